"""Judged queries for `hotswap quality`: the first line of a docstring asks for its article."""

import json
from collections.abc import Mapping
from pathlib import Path

__all__ = ["QRELS", "QUERIES", "write_queries"]

QUERIES, QRELS = "queries.jsonl", "qrels.tsv"
_MOST = 160


def write_queries(folder: Path, bodies: Mapping[int, str]) -> int:
    """Write both files for at most 160 of these articles; how many queries there are.

    Args:
        folder: where QUERIES and QRELS go.
        bodies: key of an article → its text.
    """
    every = -(-len(bodies) // _MOST)
    chosen = sorted(bodies)[::every]
    queries = [
        json.dumps({"_id": str(number), "text": bodies[number].splitlines()[0]})
        for number in chosen
    ]
    judged = ["query-id\tcorpus-id\tscore", *(f"{number}\t{number}\t1" for number in chosen)]
    (folder / QUERIES).write_text("\n".join(queries) + "\n", encoding="utf-8")
    (folder / QRELS).write_text("\n".join(judged) + "\n", encoding="utf-8")
    return len(chosen)
