"""The demo's judged queries."""

import json

import pytest

from streams.demo.queries import QRELS, QUERIES, write_queries


@pytest.mark.parametrize(("articles", "most"), [(1, 1), (100, 100), (160, 160), (820, 160)])
def test_each_query_asks_for_the_article_whose_first_line_it_is(tmp_path, articles, most):
    bodies = {7 * n: f"line of {n}\nand more" for n in range(1, articles + 1)}
    count = write_queries(tmp_path, bodies)
    assert most / 2 < count <= most
    queries = [json.loads(line) for line in (tmp_path / QUERIES).read_text().splitlines()]
    heading, *judged = (tmp_path / QRELS).read_text().splitlines()
    assert heading == "query-id\tcorpus-id\tscore"
    assert len(queries) == len(judged) == count
    for query, line in zip(queries, judged, strict=True):
        number = int(query["_id"])
        assert query["text"] == bodies[number].splitlines()[0]
        assert line == f"{number}\t{number}\t1"
