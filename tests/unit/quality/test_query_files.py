"""Files of queries and judgments: what is read, and what is refused with its place."""

import pytest

from streams.core.query_files import NotReadable, TestQuery, judgments, queries
from streams.errors import ConfigurationError
from streams.services.quality.reading import read_judgments, read_queries


def test_queries_are_lines_of_json_in_their_order():
    text = '{"_id": "b", "text": "two"}\n\n{"_id": "a", "text": "one", "metadata": {}}\r\n'
    assert queries(text) == (TestQuery("b", "two"), TestQuery("a", "one"))


def test_a_list_of_objects_and_numbers_for_ids_are_read_too():
    text = '[{"id": 7, "query": "seven"}, {"_id": "8", "text": "eight"}]'
    assert queries(text) == (TestQuery("7", "seven"), TestQuery("8", "eight"))


def test_a_query_is_cleaned_as_documents_are():
    assert queries('{"_id": "1", "text": "  e\\u0301\\u0000 "}')[0].text == "\u00e9"


def test_a_line_separator_inside_a_text_does_not_end_the_line():
    assert queries('{"_id": "1", "text": "a\u2028b"}')[0].text == "a\u2028b"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "holds no query"),
        ("[]", "holds no query"),
        ("[1]", "entry 1: is no JSON object"),
        ("[", "is not JSON"),
        ('{"_id": "1", "text": "a"}\n{"_id"', "line 2: is not JSON"),
        ('"text"', "line 1: is no JSON object"),
        ('{"text": "a"}', 'line 1: has no "_id"'),
        ('{"_id": true, "text": "a"}', 'line 1: has no "_id"'),
        ('{"_id": "", "text": "a"}', 'line 1: has no "_id"'),
        ('{"_id": "1"}', 'line 1: has no "text"'),
        ('{"_id": "1", "text": ["a"]}', 'line 1: has no "text"'),
        ('{"_id": "1", "text": " \\u0000 "}', "line 1: the text is empty"),
        ('{"_id": "1", "text": "a"}\n{"_id": 1, "text": "b"}', "line 2: query '1' comes twice"),
    ],
)
def test_what_is_no_set_of_queries_is_refused_with_its_place(text, why):
    with pytest.raises(NotReadable, match=f"^{why}"):
        queries(text)


FIRST = '{"query-id": 1, "corpus-id": "s/5", "score": "2"}'
SECOND = '{"query-id": "1", "corpus-id": "s/6", "score": 0.0}'


@pytest.mark.parametrize(
    "text",
    [
        "query-id\tcorpus-id\tscore\n1\ts/5\t2\n1\ts/6\t0\n",
        "1 s/5 2\r\n1 s/6 0\r\n",
        "1 0 s/5 2\n\n1 Q0 s/6 0",
        f"{FIRST}\n{SECOND}",
        f"[{FIRST}, {SECOND}]",
    ],
    ids=["tsv", "spaces", "trec", "json lines", "json list"],
)
def test_judgments_are_read_in_each_of_their_forms(text):
    assert judgments(text, None) == {"1": {"s/5": 2, "s/6": 0}}


def test_bare_keys_become_document_ids_of_their_source():
    text = "1\t5\t1\n1\ta/b c\t1\n"
    assert judgments(text, "my table") == {"1": {"my%20table/5": 1, "my%20table/a%2Fb%20c": 1}}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "judges no document to be relevant"),
        ("1 s/5 0", "judges no document to be relevant"),
        ("1 s/5", "line 1: is not `query-id corpus-id score`"),
        ("1 s/5 1\n1 0 s/5 1 run", "line 2: is not"),
        ("1 s/5 high", "line 1: the score 'high' is no integer"),
        ("1 s/5 0.5", "line 1: the score '0.5' is no integer"),
        ("1 s/5 nan", "line 1: the score 'nan' is no integer"),
        ("1 s/5 1e400", "line 1: the score '1e400' is no integer"),
        ("1 5 1", "line 1: not a document id: '5'; for bare keys"),
        ("1 s/5 1\n1 s/5 2", "line 2: '1' and 's/5' are judged twice, and differ"),
        ('{"query-id": 1, "corpus-id": "s/5"}', "line 1: the score None is no integer"),
        ('{"query-id": 1, "corpus-id": "s/5", "score": true}', "line 1: the score True"),
        ('{"query-id": 1, "score": 1}', 'line 1: has no "corpus-id"'),
    ],
)
def test_what_is_no_judgment_is_refused_with_its_place(text, why):
    with pytest.raises(NotReadable, match=f"^{why}"):
        judgments(text, None)


def test_a_byte_order_mark_is_no_part_of_the_first_query(tmp_path):
    path = tmp_path / "q.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"_id": "1", "text": "a"}')
    assert read_queries(path) == (TestQuery("1", "a"),)


def test_errors_name_the_option_the_file_and_the_remedy(tmp_path):
    path = tmp_path / "q"
    with pytest.raises(ConfigurationError, match=r"--queries .*q: no such file or directory\n"):
        read_queries(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"--queries .*q: is not UTF-8\n"):
        read_queries(path)
    path.write_text("1 5 1", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="--source"):
        read_judgments(path, None)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"is not JSON.*\n.*as in BEIR"):
        read_queries(path)
