"""The settings as a tree: what each is called, and which model stands at a place.

Read from the models alone, so that error messages and the reference can not differ from them.
"""

import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from streams.config.secrets import SecretRef
from streams.config.settings import Settings

__all__ = ["Place", "Setting", "find", "walk"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, as people see it.

    Attributes:
        section: dotted, such as `kafka.topics`; `lanes.NAME` and `sources[]` stand for many.
        variant: the provider whose lanes have it, where that matters.
        default: as TOML; None where a value must be given.
    """

    section: str
    variant: str
    name: str
    type: str
    default: str | None
    description: str

    @property
    def path(self) -> str:
        """Such as `kafka.topics.control`."""
        return f"{self.section}.{self.name}".removeprefix(".")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pydantic error's location points.

    Attributes:
        path: keys from the top, without the tags that pydantic puts in for unions.
        parent: the model the last key was looked up in, if it was one.
    """

    path: tuple[str | int, ...]
    parent: type[BaseModel] | None

    @property
    def name(self) -> str:
        """Such as `lanes.ollama.hosts[0]`."""
        return "".join(_step(key) for key in self.path).removeprefix(".")


def find(location: tuple[str | int, ...]) -> Place:
    """What a location from `pydantic.ValidationError.errors()` stands for."""
    here: object = Settings
    path: list[str | int] = []
    parent: type[BaseModel] | None = None
    for key in location:
        members = _members(here)
        if len(members) > 1 and key in members:
            here = members[str(key)]
            continue
        if key == "[key]":
            continue
        path.append(key)
        parent = next(iter(members.values()), None)
        here = _below(here, parent, key)
    return Place(tuple(path), parent)


def walk(
    model: type[BaseModel] = Settings, section: str = "", variant: str = ""
) -> Iterator[Setting]:
    """All settings, section by section, in the order of the models."""
    nested = []
    for name, field in model.model_fields.items():
        kind, value = _shape(field.annotation)
        members = {} if value is SecretRef else _members(value)
        if not members:
            yield Setting(
                section=section,
                variant=variant,
                name=name,
                type=_type_name(field.annotation, field.metadata),
                default=_default(field),
                description=field.description or "",
            )
        path = f"{section}.{name}".removeprefix(".") + {dict: ".NAME", tuple: "[]"}.get(kind, "")
        nested += [
            (member, path, tag if len(members) > 1 else "") for tag, member in members.items()
        ]
    for member, path, tag in nested:
        yield from walk(member, path, tag)


def _step(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'."{key}"'


def _default(field: FieldInfo) -> str | None:
    if field.default is PydanticUndefined:
        return "{}" if field.default_factory is dict else None
    return "none" if field.default is None else _toml(field.default)


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(entry) for entry in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _type_name(annotation: object, metadata: list[Any]) -> str:
    kind, value = _shape(annotation)
    if kind is tuple:
        return f"list of {_type_name(value, [])}"
    if kind is dict:
        return f"table of {_type_name(value, [])}"
    if value is SecretRef:
        return "secret"
    if get_origin(value) is Literal:
        return " or ".join(f'"{option}"' for option in get_args(value))
    bounds = {Gt: "gt", Ge: "ge", Lt: "lt", Le: "le"}
    signs = {Gt: ">", Ge: "≥", Lt: "<", Le: "≤"}
    limits = [
        f"{signs[type(bound)]} {getattr(bound, bounds[type(bound)])}"
        for bound in metadata
        if type(bound) in bounds
    ]
    plain = {int: "integer", float: "number", str: "text", bool: "true or false"}[value]
    return f"{plain} {', '.join(limits)}".strip()


def _shape(annotation: object) -> tuple[Any, Any]:
    """(dict, value type), (tuple, element type) or (None, the type itself), without `| None`."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in {Union, types.UnionType}:
        options = [option for option in get_args(annotation) if option is not type(None)]
        if len(options) == 1:
            return _shape(options[0])
    if get_origin(annotation) is dict:
        return dict, get_args(annotation)[1]
    if get_origin(annotation) is tuple:
        return tuple, get_args(annotation)[0]
    return None, annotation


def _members(annotation: object) -> dict[str, type[BaseModel]]:
    """The models that may stand here: by tag for a union, by class name for a single one."""
    _, value = _shape(annotation)
    if get_origin(annotation) in {dict, tuple}:
        return {}
    if get_origin(value) in {Union, types.UnionType}:
        members = {}
        for option in get_args(value):
            (tag,) = get_args(option.model_fields["provider"].annotation)
            members[tag] = option
        return members
    if isinstance(value, type) and issubclass(value, BaseModel):
        return {value.__name__: value}
    return {}


def _below(here: object, model: type[BaseModel] | None, key: str | int) -> object:
    if model is not None and key in model.model_fields:
        return model.model_fields[str(key)].annotation
    kind, value = _shape(here)
    return value if kind in {dict, tuple} else None
