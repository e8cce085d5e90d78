"""The command line of a stand-in, and serving it: on loopback, unless told otherwise."""

import argparse
from dataclasses import dataclass
from typing import Generic

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from streams.stack.standin.control import S
from streams.stack.standin.drop import DroppableProtocol

__all__ = ["Options", "options", "serve"]

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Options(Generic[S]):
    """What was asked for."""

    host: str
    port: int
    seed: int
    switches: S


def options(program: str, kind: type[S]) -> Options[S]:
    """Read the command line: every field of `kind` is an option. Exits if it is wrong."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}")
    parser.add_argument("--host", default=_LOOPBACK, help="Where to listen.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0, help="Of what is left to chance.")
    for name, field in kind.model_fields.items():
        parser.add_argument(f"--{name.replace('_', '-')}", help=field.description)
    given = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    host, port, seed = (given.pop(name) for name in ("host", "port", "seed"))
    try:
        switches = kind.model_validate(given)
    except ValidationError as error:
        parser.error(str(error))
    return Options(host, port, seed, switches)


def serve(app: FastAPI, port: int, host: str = _LOOPBACK) -> None:
    """Serve until told to end."""
    uvicorn.run(
        app,
        host=host,
        port=port,
        http=DroppableProtocol,
        access_log=False,
        timeout_graceful_shutdown=3,
    )
