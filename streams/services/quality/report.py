"""A run's report: a page, its pictures, and all the numbers as JSON, in one folder."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel

from streams.services.quality.folder import write_folder
from streams.services.quality.markdown import page
from streams.services.quality.pictures import draw
from streams.services.quality.result import QualityResult, observation

__all__ = ["Report", "as_data", "write_report"]


@dataclass(frozen=True, slots=True)
class Report:
    """What to write.

    Attributes:
        folder: a new one.
        command: that repeats the run.
        files: what was read: option → path.
        formats: of the pictures: `png`, `svg`, both or none.
    """

    folder: Path
    command: str
    files: Mapping[str, str]
    formats: tuple[str, ...]


def as_data(result: QualityResult) -> dict[str, Any]:
    """The whole result, with its sentences, its notes and what the gate is told."""
    return {
        "sentences": result.sentences,
        "notes": result.notes,
        "labelled": result.labelled,
        **{field.name: getattr(result, field.name) for field in fields(result)},
        "observation": observation(result),
    }


def write_report(result: QualityResult, report: Report, texts: Mapping[str, str]) -> None:
    """Write `report.md`, `result.json` and the pictures.

    Args:
        result: of the run.
        report: where to and how.
        texts: query id → text.

    Raises: ConfigurationError if the folder is there already, or can not be written.
    """
    pictures = draw(result, report.formats)
    text = page(
        result,
        command=report.command,
        files=report.files,
        texts=texts,
        pictures=list(pictures),
    )
    data = orjson.dumps(as_data(result), default=_plain, option=orjson.OPT_INDENT_2)
    write_folder(report.folder, {"report.md": text.encode(), "result.json": data, **pictures})


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no JSON form")
