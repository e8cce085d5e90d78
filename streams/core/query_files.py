"""Reading a set of queries and its judgments of relevance from text: BEIR's forms, and TREC's.

    queries     one JSON object a line, {"_id": "1", "text": "…"}, or one JSON list of such
    judgments   lines of `query-id corpus-id score`, with or without that heading; or TREC's
                `query-id 0 corpus-id score`; or JSON objects with those three names

BEIR: Thakur et al., https://github.com/beir-cellar/beir. Decides what is well-formed. Does not
know where the text came from, nor which documents there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from streams.core.identity import document_id, parse_document_id
from streams.core.text import clean

__all__ = ["Judgments", "NotReadable", "TestQuery", "judgments", "queries"]

Judgments = dict[str, dict[str, int]]
"""Query id → document id → how relevant; 0 and below is not relevant."""

_HEADING: Final = ("query-id", "corpus-id", "score")
_TREC_FIELDS: Final = 4
_UNCUT: Final = 1 << 30


class NotReadable(ValueError):
    """The text is no set of queries or judgments; says in which line, where there is one."""


@dataclass(frozen=True, slots=True)
class TestQuery:
    """One query of a set. `text` is in the canonical form that documents have."""

    __test__ = False  # its name makes pytest think otherwise

    id: str
    text: str


def queries(text: str) -> tuple[TestQuery, ...]:
    """The queries, in their order.

    Raises: NotReadable.
    """
    found: dict[str, TestQuery] = {}
    for place, each in _objects(text):
        identifier = _word(each, ("_id", "id", "query-id"), place)
        if identifier in found:
            raise NotReadable(f"{place}: query {identifier!r} comes twice")
        found[identifier] = TestQuery(identifier, _text(each.get("text", each.get("query")), place))
    if not found:
        raise NotReadable("holds no query")
    return tuple(found.values())


def judgments(text: str, source: str | None) -> Judgments:
    """The judgments.

    Args:
        text: of the file.
        source: the source whose keys the corpus-ids are; None: they are document ids.

    Raises: NotReadable.
    """
    found: Judgments = {}
    for place, query, document, score in _judged(text):
        identifier = _document(document, source, place)
        if found.setdefault(query, {}).setdefault(identifier, score) != score:
            raise NotReadable(f"{place}: {query!r} and {document!r} are judged twice, and differ")
    if not any(score > 0 for judged in found.values() for score in judged.values()):
        raise NotReadable("judges no document to be relevant")
    return found


def _judged(text: str) -> Iterator[tuple[str, str, str, int]]:
    if text.lstrip()[:1] in ("{", "["):
        for place, each in _objects(text):
            query, document = (_word(each, (name,), place) for name in _HEADING[:2])
            yield place, query, document, _score(each.get("score"), place)
        return
    for number, line in enumerate(text.split("\n"), start=1):
        place = f"line {number}"
        fields = [field.strip() for field in line.split("\t")] if "\t" in line else line.split()
        if not any(fields) or (number == 1 and tuple(fields) == _HEADING):
            continue
        if len(fields) == _TREC_FIELDS:
            del fields[1]
        if len(fields) != len(_HEADING):
            raise NotReadable(f"{place}: is not `query-id corpus-id score`")
        query, document, score = fields
        yield place, query, document, _score(score, place)


def _objects(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each JSON object, and where it stands."""
    if text.lstrip().startswith("["):
        try:
            entries = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise NotReadable(f"is not JSON: {error}") from error
        places = ((f"entry {number}", each) for number, each in enumerate(entries, start=1))
    else:
        # Not splitlines, which also breaks at characters that may stand inside a JSON string.
        lines = enumerate(text.split("\n"), start=1)
        places = (
            (f"line {number}", _parsed(line, number)) for number, line in lines if line.strip()
        )
    for place, each in places:
        if not isinstance(each, dict):
            raise NotReadable(f"{place}: is no JSON object")
        yield place, each


def _parsed(line: str, number: int) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise NotReadable(f"line {number}: is not JSON: {error}") from error


def _word(each: dict[str, Any], names: tuple[str, ...], place: str) -> str:
    value = next((each[name] for name in names if name in each), None)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise NotReadable(f'{place}: has no "{names[0]}" that is text or an integer')
    return str(value)


def _text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise NotReadable(f'{place}: has no "text"')
    try:
        cleaned = clean(value, _UNCUT).value
    except UnicodeEncodeError as error:
        raise NotReadable(f"{place}: the text holds half a surrogate pair") from error
    if not cleaned:
        raise NotReadable(f"{place}: the text is empty")
    return cleaned


def _score(value: object, place: str) -> int:
    try:
        number = float(value) if isinstance(value, str | int | float) else None
    except ValueError:
        number = None
    if number is None or isinstance(value, bool) or not number.is_integer():
        raise NotReadable(f"{place}: the score {value!r} is no integer")
    return int(number)


def _document(corpus_id: str, source: str | None, place: str) -> str:
    try:
        if source is not None:
            return document_id(source, [corpus_id])
        parse_document_id(corpus_id)
    except ValueError as error:
        remedy = "" if source is not None else "; for bare keys, say of which source they are"
        raise NotReadable(f"{place}: {error}{remedy}") from error
    return corpus_id
