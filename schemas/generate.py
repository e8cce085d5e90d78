"""Write the JSON Schemas and the AsyncAPI document: `python -m schemas.generate [--check]`.

A development tool: it needs PyYAML, which running Hotswap does not. With `--check` it writes
nothing and ends with status 1 if a file is not as it would be written.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import yaml

from schemas.asyncapi import all_records, asyncapi, pin_versions

__all__ = ["FOLDER", "differences", "generated", "main"]

FOLDER = Path(__file__).parent / "generated"

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def generated() -> dict[str, str]:
    """File name → content, of every file in `FOLDER`."""
    files = {}
    for record in all_records():
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", record.__name__).lower()
        schema = record.model_json_schema()
        pin_versions({record.__name__: schema, **schema.get("$defs", {})})
        identified = {
            "$schema": _DIALECT,
            "$id": f"urn:hotswap:schema:{name}:{record.VERSION}",
            **schema,
        }
        files[f"{name}.json"] = json.dumps(identified, indent=2, ensure_ascii=False) + "\n"
    files["asyncapi.yaml"] = yaml.safe_dump(
        asyncapi(), sort_keys=False, allow_unicode=True, width=100
    )
    return files


def differences(folder: Path = FOLDER) -> list[str]:
    """Names of files that are absent, not as generated, or left over."""
    wanted = generated()
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.*")}
    return sorted(
        name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)
    )


def main(arguments: list[str] | None = None, folder: Path = FOLDER) -> int:
    """Write or check the files; the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m schemas.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, say what differs")
    different = differences(folder)
    if parser.parse_args(arguments).check:
        sys.stdout.writelines(f"differs: {name}\n" for name in different)
        return 1 if different else 0
    folder.mkdir(exist_ok=True)
    wanted = generated()
    for name in different:
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()
        sys.stdout.write(f"{'wrote' if name in wanted else 'removed'} {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
