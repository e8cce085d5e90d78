"""The jars that Kafka and Connect run from: which, from where, and that they are the right ones.

`jars.lock` names every jar of each program with its SHA-256, so a start resolves nothing:
what is missing is downloaded by jgo, checked, and only then moved to its place in the user's
cache, which all stacks share. `python -m streams.stack.jars` writes the lock anew.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from streams.stack.errors import Cancelled, StackError
from streams.stack.part import Say

if TYPE_CHECKING:
    from jgo.maven import MavenContext

__all__ = ["PROGRAMS", "class_path", "fetch"]

PROGRAMS = {
    "kafka": ("org.apache.kafka:kafka_2.13:4.3.1", "org.slf4j:slf4j-simple:1.7.36"),
    "connect": (
        "org.apache.kafka:connect-runtime:4.3.1",
        "org.apache.kafka:connect-api:4.3.1",
        "org.apache.kafka:connect-json:4.3.1",
        "org.apache.kafka:connect-transforms:4.3.1",
        "org.apache.kafka:kafka-clients:4.3.1",
        "io.debezium:debezium-connector-postgres:3.6.3.Final",
        "org.slf4j:slf4j-simple:1.7.36",
    ),
}
_MIRROR = "HOTSWAP_MAVEN_URL"
_DOWNLOADS_AT_ONCE = 8
_LONGEST_WAIT_SECONDS = 5.0


def class_path(program: str) -> str:
    """The class path of a program whose jars have been fetched."""
    return os.pathsep.join(str(_place(jar)) for jar in _locked(program))


def fetch(program: str, say: Say, cancel: Event) -> None:
    """Download the jars of a program that are not in the cache.

    Raises: StackError if one can not be had, or is not the one in the lock; Cancelled.
    """
    jars = _locked(program)
    missing = {jar: digest for jar, digest in jars.items() if not _place(jar).exists()}
    if not missing:
        return
    done = len(jars) - len(missing)
    counting = Lock()

    def bring(jar: str, digest: str) -> None:
        nonlocal done
        if cancel.is_set():
            raise Cancelled
        _download(jar, digest)
        with counting:
            done += 1
            say(f"{done} of {len(jars)} jars")

    say(f"{done} of {len(jars)} jars")
    _cache().mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE, thread_name_prefix="jars") as pool:
        under_way = [pool.submit(bring, jar, digest) for jar, digest in missing.items()]
        try:
            for future in under_way:
                future.result()
        except (OSError, RuntimeError) as error:
            raise StackError(program, f"a jar can not be downloaded: {error}") from error
        finally:
            pool.shutdown(cancel_futures=True)


def _download(jar: str, digest: str) -> None:
    patiently = Retrying(
        retry=retry_if_exception_type((OSError, RuntimeError)),
        stop=stop_after_attempt(3),
        wait=wait_random_exponential(max=_LONGEST_WAIT_SECONDS),
        reraise=True,
    )
    patiently(_download_once, jar, digest)


def _download_once(jar: str, digest: str) -> None:
    # A folder of its own: jgo takes any file that it finds for a whole one.
    with tempfile.TemporaryDirectory(dir=_cache(), prefix="download-") as folder:
        group, name, version = jar.split(":")
        project = _maven(Path(folder)).project(group, name)
        file = project.at_version(version).artifact().resolve()
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if found != digest:
            raise RuntimeError(f"{jar} has SHA-256 {found}, and not {digest} as locked")
        file.replace(_place(jar))


def _maven(folder: Path) -> "MavenContext":
    from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415 - only needed the first time
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415

    url = os.environ.get(_MIRROR, MAVEN_CENTRAL_URL).rstrip("/")
    return MavenContext(repo_cache=folder, remote_repos={"central": url}, resolver=PythonResolver())


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "hotswap" / "jars"


def _place(jar: str) -> Path:
    _, name, version = jar.split(":")
    return _cache() / f"{name}-{version}.jar"


def _locked(program: str) -> dict[str, str]:
    lock = json.loads(files(__package__).joinpath("jars.lock").read_text(encoding="utf-8"))
    jars: dict[str, str] = lock[program]
    return jars


def _resolve(coordinates: Sequence[str]) -> dict[str, str]:
    """All jars that `coordinates` stand on at run time, as Maven would choose them."""
    with tempfile.TemporaryDirectory() as folder:
        maven = _maven(Path(folder))
        wanted = [maven.create_dependency(coordinate) for coordinate in coordinates]
        given, more = maven.resolver.resolve(wanted)
        chosen = [*given, *(one for one in more if one.scope in ("compile", "runtime"))]
        jars = {}
        for dependency in chosen:
            artifact = dependency.artifact
            digest = hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()
            jars[f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"] = digest
        return dict(sorted(jars.items()))


if __name__ == "__main__":
    lock = {program: _resolve(coordinates) for program, coordinates in PROGRAMS.items()}
    Path(__file__).with_name("jars.lock").write_text(json.dumps(lock, indent=2) + "\n")
