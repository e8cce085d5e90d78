"""What is wrong with a configuration, in the operator's words: setting, problem, remedy.

Values are never repeated except where they name an option, since any value may be a secret
that was put in the wrong place.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from streams.config.tree import Place, find, walk
from streams.errors import ConfigurationError

__all__ = ["SeveralProblems", "as_one", "problems_of", "unknown"]

REFERENCE = "`hotswap config reference` lists all settings"


class SeveralProblems(ConfigurationError):
    """More than one thing is wrong with the configuration; all are listed."""

    def __init__(self, where: str, problems: Sequence[ConfigurationError]) -> None:
        listed = "".join("\n  " + str(problem).replace("\n", "\n  ") for problem in problems)
        super().__init__(where, f"{len(problems)} problems{listed}")
        self.problems = tuple(problems)


def as_one(where: str, problems: Sequence[ConfigurationError]) -> ConfigurationError:
    """The one problem itself, or all of them in one error. `problems` is not empty."""
    return problems[0] if len(problems) == 1 else SeveralProblems(where, problems)


def problems_of(
    error: ValidationError, variables: Mapping[tuple[str, ...], str]
) -> list[ConfigurationError]:
    """Each of pydantic's findings as a ConfigurationError.

    Args:
        error: from validating `Settings`.
        variables: path of a setting → the environment variable that set it.
    """
    findings = error.errors(include_url=False)
    places = [find(finding["loc"]) for finding in findings]
    problems = [_problem(finding, variables) for finding in findings]
    return [
        problem
        for finding, place, problem in zip(findings, places, problems, strict=True)
        if not _follows_from_another(finding["type"], place, places, problems)
    ]


def unknown(
    path: str, key: str, siblings: Iterable[str], *, origin: str = ""
) -> ConfigurationError:
    """A key that is no setting, with the nearest one that is."""
    siblings = sorted(siblings)
    near = difflib.get_close_matches(key, siblings, n=1)
    if near:
        guess = f"did you mean {near[0]}?"
        remedy = f"write {near[0]} instead of {key}"
    else:
        known = {setting.name: setting for setting in reversed(list(walk()))}
        elsewhere = difflib.get_close_matches(key, known, n=1, cutoff=0.8)
        if elsewhere:
            setting = known[elsewhere[0]]
            of = f" (provider {setting.variant!r})" if setting.variant else ""
            guess = f"did you mean {setting.path}{of}?"
        else:
            guess = f"known here: {', '.join(siblings)}"
        remedy = f"remove it, or see what there is: {REFERENCE}"
    return ConfigurationError(path, f"is not a setting{origin}; {guess}", remedy)


def _problem(
    finding: Mapping[str, Any], variables: Mapping[tuple[str, ...], str]
) -> ConfigurationError:
    place = find(finding["loc"])
    origin = _origin(place.path, variables)
    name, kind, context = place.name or "hotswap.toml", finding["type"], finding.get("ctx", {})
    if kind == "extra_forbidden" and place.parent is not None:
        key = str(place.path[-1])
        return unknown(name, key, place.parent.model_fields, origin=origin)
    if kind == "missing":
        return ConfigurationError(name, f"is missing{origin}", _how_to_add(place))
    if kind == "union_tag_not_found":
        return ConfigurationError(
            f"{name}.provider", f"is missing{origin}", 'write provider = "openai" or "ollama"'
        )
    if kind in {"union_tag_invalid", "literal_error"}:
        return _not_an_option(name, kind, context, origin)
    message = re.sub(r"^(Value error|Assertion failed), ", "", finding["msg"])
    message = re.sub(r"^(Input|Tuple|List|Dictionary|String) should", "must", message)
    message = re.sub(r"must be a valid dictionary.*", "must be a table", message)
    meaning = _description(place)
    return ConfigurationError(
        name,
        f"{message.removesuffix(' after validation, not 0')}{origin}",
        f"correct it; it means: {meaning}" if meaning else "correct it",
    )


def _follows_from_another(
    kind: str, place: Place, places: Sequence[Place], problems: Sequence[ConfigurationError]
) -> bool:
    """Whether correcting something else that is listed corrects this too."""
    if kind == "too_short":  # pydantic counts only the entries that are valid
        length = len(place.path)
        return any(
            len(other.path) > length and other.path[:length] == place.path for other in places
        )
    return kind == "missing" and any(
        other.path[:-1] == place.path[:-1] and f"did you mean {place.path[-1]}?" in problem.problem
        for other, problem in zip(places, problems, strict=True)
    )


def _not_an_option(
    name: str, kind: str, context: Mapping[str, Any], origin: str
) -> ConfigurationError:
    if kind == "union_tag_invalid":
        name, given, options = f"{name}.provider", context["tag"], context["expected_tags"]
        near = difflib.get_close_matches(given, re.findall(r"\w+", options), n=1)
    else:
        given, options, near = "", context["expected"], []
    guess = f"; did you mean {near[0]!r}?" if near else ""
    what = f"{given!r} is not one of {options}" if given else f"must be {options}"
    return ConfigurationError(name, f"{what}{origin}{guess}", f"write one of {options}")


def _origin(path: tuple[str | int, ...], variables: Mapping[tuple[str, ...], str]) -> str:
    for other, variable in variables.items():
        shared = min(len(other), len(path))
        if shared and other[:shared] == path[:shared]:
            return f" (environment variable {variable})"
    return ""


def _how_to_add(place: Place) -> str:
    *section, key = place.path
    header = ".".join(str(part) for part in section if not isinstance(part, int))
    if not section:
        return f"add a section [[{key}]]" if key == "sources" else f"add a section [{key}.NAME]"
    brackets = "[[sources]]" if header == "sources" else f"[{header}]"
    what = _description(place)
    return f"add {key} = … to {brackets}" + (f" ({what})" if what else "")


def _description(place: Place) -> str:
    """What the models say about the setting, without Markdown's code marks."""
    parent: type[BaseModel] | None = place.parent
    for key in reversed(place.path):
        if isinstance(key, int):
            continue
        if parent is not None and key in parent.model_fields:
            return (parent.model_fields[key].description or "").replace("`", "").rstrip(".")
        break
    return ""
