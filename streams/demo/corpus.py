"""A corpus that every machine has: the docstrings of Python's own standard library.

Read from source with `ast`; no module is imported.
"""

import ast
import inspect
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

__all__ = ["Article", "Note", "articles", "notes"]

_SKIPPED = {"test", "tests", "idlelib", "lib2to3", "site-packages", "__pycache__", "turtledemo"}
_SHORTEST, _LONGEST = 80, 700
_FROM_ONE_MODULE = 8  # so that no large module crowds out the others


@dataclass(frozen=True, slots=True)
class Article:
    """One documented function or class: a row of `articles`."""

    title: str
    body: str
    module: str
    kind: str


@dataclass(frozen=True, slots=True)
class Note:
    """One paragraph of a module's own documentation: a row of `notes`."""

    module: str
    number: int
    body: str


def articles(count: int) -> list[Article]:
    """The first `count` docstrings of usable length, in the order of module names.

    Raises: ValueError if the library has fewer.
    """
    found = list(islice(_articles(), count))
    if len(found) < count:
        raise ValueError(f"the standard library has only {len(found)} usable docstrings")
    return found


def notes(count: int) -> list[Note]:
    """The first `count` paragraphs of module documentation."""
    return list(islice(_notes(), count))


def _articles() -> Iterator[Article]:
    seen: set[str] = set()
    for module, tree in _modules():
        fresh = (article for article in _documented(module, tree) if article.body not in seen)
        for article in islice(fresh, _FROM_ONE_MODULE):
            seen.add(article.body)
            yield article


def _documented(module: str, tree: ast.Module) -> Iterator[Article]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            body = inspect.cleandoc(ast.get_docstring(node) or "")
            if _SHORTEST <= len(body) <= _LONGEST:
                kind = "class" if isinstance(node, ast.ClassDef) else "function"
                yield Article(f"{module}.{node.name}", body, module, kind)


def _notes() -> Iterator[Note]:
    for module, tree in _modules():
        paragraphs = (ast.get_docstring(tree) or "").split("\n\n")
        usable = [text.strip() for text in paragraphs if _SHORTEST <= len(text) <= _LONGEST]
        for number, body in enumerate(usable, start=1):
            yield Note(module, number, body)


def _modules() -> Iterator[tuple[str, ast.Module]]:
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root)
        if _SKIPPED.isdisjoint(relative.parts) and not path.name.startswith("_"):
            try:
                tree = ast.parse(path.read_bytes())
            except SyntaxError:  # some distributions ship deliberately broken files
                continue
            yield ".".join(relative.with_suffix("").parts).removesuffix(".__init__"), tree
