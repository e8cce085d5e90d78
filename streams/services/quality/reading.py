"""Files of queries and judgments, read whole."""

from pathlib import Path

from streams.core.query_files import Judgments, NotReadable, TestQuery, judgments, queries
from streams.errors import ConfigurationError

__all__ = ["read_judgments", "read_queries"]


def read_queries(path: Path) -> tuple[TestQuery, ...]:
    """The queries of a file, in its order.

    Raises: ConfigurationError if there is no such file, or it holds something else.
    """
    text = _text("--queries", path)
    try:
        return queries(text)
    except NotReadable as error:
        raise ConfigurationError(
            f"--queries {path}",
            str(error),
            'write one {"_id": "1", "text": "…"} a line, as in BEIR',
        ) from error


def read_judgments(path: Path, source: str | None) -> Judgments:
    """The judgments of a file: query id → document id → how relevant.

    Args:
        path: of the file.
        source: the source whose keys the corpus-ids are; None: they are document ids.

    Raises: ConfigurationError if there is no such file, or it holds something else.
    """
    text = _text("--qrels", path)
    try:
        return judgments(text, source)
    except NotReadable as error:
        ids = (
            "with document ids such as articles/42, or with the keys of one source and --source"
            if source is None
            else f"with the keys of {source}"
        )
        raise ConfigurationError(
            f"--qrels {path}", str(error), f"write `query-id corpus-id score` a line, {ids}"
        ) from error


def _text(option: str, path: Path) -> str:
    try:
        # Some tools put a byte order mark first.
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        raise ConfigurationError(f"{option} {path}", problem, "name a readable file") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{option} {path}", "is not UTF-8", "convert it") from error
