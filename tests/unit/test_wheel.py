"""The package installs, and what it needs at run time is inside."""

import json
import subprocess
import sys
import tomllib
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

pytestmark = pytest.mark.slow


def run(*command: str | Path) -> str:
    done = subprocess.run(  # noqa: S603 - the words are below
        command, cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the source distribution, so that this one is complete, too; nothing is fetched."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", f"--outdir={folder}", ROOT)
    assert (folder / f"hotswap-{PROJECT['version']}.tar.gz").exists()
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_holds_the_packages_whole_and_nothing_else(wheel: Path):
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.endswith("/")}
    here = {
        str(path.relative_to(ROOT))
        for package in ("schemas", "streams")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    about = f"hotswap-{PROJECT['version']}.dist-info"
    described = {name for name in held if name.startswith(f"{about}/")}
    assert held - described == here
    assert f"{about}/licenses/LICENSE" in described
    for needed in ("streams/stack/jars.lock", "streams/config/example.toml", "streams/py.typed"):
        assert needed in held


def test_it_installs_where_there_is_nothing_and_names_its_command(wheel: Path, tmp_path: Path):
    venv.create(tmp_path, symlinks=True)
    python = tmp_path / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", f"--python={python}"]
    run(*pip, "install", "--no-deps", "--no-index", wheel)
    told = run(python, "-I", "-c", TELL)
    assert json.loads(told) == {
        "version": PROJECT["version"],
        "commands": PROJECT["scripts"],
        "from": str(tmp_path),
    }
    assert (tmp_path / "bin" / "hotswap").exists()


TELL = """
import importlib.util, json, sys
from importlib.metadata import distribution
it = distribution("hotswap")
for command in it.entry_points:
    assert importlib.util.find_spec(command.module), command
print(json.dumps({
    "version": it.version,
    "commands": {command.name: command.value for command in it.entry_points},
    "from": sys.prefix,
}))
"""
