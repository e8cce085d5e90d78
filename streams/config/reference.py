"""The reference of all settings as Markdown, and the commented example, for people to read."""

from importlib.resources import files
from itertools import groupby

from streams.config.tree import Setting, walk

__all__ = ["example", "reference"]

_HEAD = """\
# Configuration

`hotswap` reads one TOML file: the one that `--config` names, else the one that the environment
variable `HOTSWAP_CONFIG` names, else `hotswap.toml` in the current folder. `hotswap config
example` prints a commented one to start from, and `hotswap config check` finds mistakes before
anything starts.

An environment variable wins over the file. Its name is `HOTSWAP__` and the setting's path with
`__` between the parts: `HOTSWAP__KAFKA__BOOTSTRAP`, `HOTSWAP__LANES__OLLAMA__MODEL`. Lists and
tables are written as JSON. Unknown keys and variables are refused.

A secret is never written down. The setting says where it is: `{ env = "NAME" }` for an
environment variable, `{ file = "PATH" }` for a file that holds nothing else.

This page is made from the models by `hotswap config reference`.
"""


def example() -> str:
    """A complete, commented `hotswap.toml`."""
    return files("streams.config").joinpath("example.toml").read_text(encoding="utf-8")


def reference() -> str:
    """A Markdown page: one table for each section."""
    pages = [_HEAD]
    for section, settings in groupby(
        walk(), key=lambda setting: (setting.section, setting.variant)
    ):
        pages += [f"\n## {_heading(*section)}\n\n", *_table(list(settings))]
    return "".join(pages)


def _heading(section: str, variant: str) -> str:
    header = f"`[[{section[:-2]}]]`" if section.endswith("[]") else f"`[{section}]`"
    return f'{header} with `provider = "{variant}"`' if variant else header


def _table(settings: list[Setting]) -> list[str]:
    rows = ["| setting | type | default | what it is |\n", "|---|---|---|---|\n"]
    for setting in settings:
        default = "must be given" if setting.default is None else f"`{setting.default}`"
        rows.append(f"| `{setting.name}` | {setting.type} | {default} | {setting.description} |\n")
    return rows
