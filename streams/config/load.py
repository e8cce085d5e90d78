"""Reads `hotswap.toml` and the HOTSWAP__… environment variables into one `Settings`.

Knows where settings come from and in which order they win, not what they mean.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource, SettingsError, TomlConfigSettingsSource

from streams.config.problems import as_one, problems_of, unknown
from streams.config.settings import Settings
from streams.errors import ConfigurationError

__all__ = ["DEFAULT_FILE", "FILE_VARIABLE", "load", "locate"]

DEFAULT_FILE = "hotswap.toml"
FILE_VARIABLE = "HOTSWAP_CONFIG"
_PREFIX = "HOTSWAP__"


def locate(path: Path | None = None) -> tuple[Path, str]:
    """The file to read, and who named it: the argument, HOTSWAP_CONFIG, or nobody."""
    if path is not None:
        return path, "--config"
    named = os.environ.get(FILE_VARIABLE)
    return (Path(named), FILE_VARIABLE) if named else (Path(DEFAULT_FILE), DEFAULT_FILE)


def load(path: Path | None = None) -> Settings:
    """Read the configuration; environment variables win over the file.

    Raises:
        ConfigurationError: names the setting, the problem and a remedy. If several things
            are wrong it is a `SeveralProblems` that lists them all.
    """
    file, named_by = locate(path)
    values = _read(file, named_by)
    variables = {
        tuple(name.lower().removeprefix(_PREFIX.lower()).split("__")): name
        for name in os.environ
        if name.upper().startswith(_PREFIX)
    }
    known = Settings.model_fields
    problems = [unknown(key, key, known) for key in values if key not in known]
    problems += [
        unknown(name, parts[0], known, origin=f" (its path is {'.'.join(parts)})")
        for parts, name in variables.items()
        if parts[0] not in known
    ]
    from_file = {key: value for key, value in values.items() if key in known}
    cause: Exception | None = None
    try:
        settings = Settings(**_merged(from_file, dict(EnvSettingsSource(Settings)())))
    except ValidationError as error:
        problems += problems_of(error, variables)
        cause = error
    except SettingsError as error:
        problems.append(_not_json(error, variables))
        cause = error
    else:
        if not problems:
            return settings
    raise as_one(str(file), problems) from cause


def _read(file: Path, named_by: str) -> dict[str, Any]:
    try:
        if not file.exists():
            raise ConfigurationError(
                named_by,
                f"there is no file {file}",
                f"`hotswap config example > {file}` writes one to start from, or name another"
                f" with --config or {FILE_VARIABLE}",
            )
        if not file.is_file():
            raise ConfigurationError(named_by, f"{file} is not a file", "name a TOML file")
        return TomlConfigSettingsSource(Settings, file).toml_data
    except tomllib.TOMLDecodeError as error:
        remedy = "correct that line; text values need quotes, sections stand in [brackets]"
        raise ConfigurationError(str(file), f"is not TOML: {error}", remedy) from error
    except UnicodeDecodeError as error:
        problem = f"is not UTF-8 (byte {error.start})"
        raise ConfigurationError(str(file), problem, "save it as UTF-8") from None
    except OSError as error:
        problem = f"can not be read ({error.strerror})"
        raise ConfigurationError(str(file), problem, "name a readable file") from error


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(under, dict) and isinstance(value, dict):
            merged[key] = _merged(under, value)
        else:
            merged[key] = value
    return merged


def _not_json(error: SettingsError, variables: Mapping[tuple[str, ...], str]) -> ConfigurationError:
    field = next((name for name in Settings.model_fields if f'"{name}"' in str(error)), "")
    names = sorted(name for parts, name in variables.items() if parts[0] == field)
    return ConfigurationError(
        field or "environment",
        f"environment variable {' or '.join(names)} does not hold the JSON it needs",
        """write lists as '["a", "b"]' and tables as '{"name": "value"}'""",
    )
