"""What the stack tells others: endpoints, the state of its parts, and events while it starts.

Another way to run the parts (containers, for instance) answers with the same `Endpoints`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = [
    "PARTS",
    "Endpoints",
    "PartEvent",
    "PartStatus",
    "Phase",
    "StackStatus",
    "Tell",
]

PARTS = ("kafka", "connect", "postgres", "milvus", "cloud", "ollama")
"""All parts, each after those it needs."""

Phase = Literal["resolving", "starting", "ready", "kept", "stopping", "failed"]


class Endpoints(BaseModel):
    """Where everything is. All addresses are on loopback."""

    model_config = ConfigDict(frozen=True)

    kafka_bootstrap: str
    connect_url: str
    postgres_dsn: str
    milvus_uri: str
    cloud_url: str
    cloud_api_key: str
    cloud_model: str
    cloud_dimensions: int
    ollama_url: str
    ollama_model: str
    ollama_kind: Literal["real", "stand-in"]
    data_dir: Path
    log_dir: Path


class PartStatus(BaseModel):
    """One part as it is now.

    `pid` is None for a part that is stopped or that somebody else runs (an Ollama found
    through OLLAMA_HOST); `detail` says more in words.
    """

    model_config = ConfigDict(frozen=True)

    part: str
    state: Literal["running", "stopped"]
    pid: int | None
    port: int | None
    log: Path
    detail: str = ""


class StackStatus(BaseModel):
    """All parts and where they listen (or would, once started)."""

    model_config = ConfigDict(frozen=True)

    home: Path
    parts: tuple[PartStatus, ...]
    endpoints: Endpoints

    @property
    def running(self) -> bool:
        """Whether every part runs."""
        return all(part.state == "running" for part in self.parts)


@dataclass(frozen=True, slots=True)
class PartEvent:
    """One step of one part; `message` is for people."""

    part: str
    phase: Phase
    message: str = ""


Tell = Callable[[PartEvent], None]
"""Takes events; called from several threads, one event at a time."""
