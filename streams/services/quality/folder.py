"""A report's files in a folder of their own: all of them, or none."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from streams.errors import ConfigurationError

__all__ = ["must_be_free", "write_folder"]


def must_be_free(folder: Path) -> None:
    """Pass if a report can be put there: before hours are spent on making it.

    Raises: ConfigurationError if something is there already, or nothing can be written there.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigurationError(
                f"--out {folder}", "is there already, and not empty", "name another folder"
            )
        parent = _parent(folder)
    except OSError as error:
        raise _refused(folder, error) from error
    if not os.access(parent, os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"--out {folder}", f"{parent} can not be written to", "name another folder"
        )


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files into a new folder of that name, which appears only when it is complete.

    Raises: ConfigurationError if something is there already, or it can not be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        growing = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            for name, content in files.items():
                (growing / name).write_bytes(content)
            growing.chmod(0o755)  # mkdtemp keeps it to its owner
            growing.rename(folder)
        except BaseException:
            shutil.rmtree(growing, ignore_errors=True)
            raise
    except OSError as error:
        raise _refused(folder, error) from error


def _parent(folder: Path) -> Path:
    """The nearest folder above that is there."""
    return next(parent for parent in folder.absolute().parents if parent.is_dir())


def _refused(folder: Path, error: OSError) -> ConfigurationError:
    problem = (error.strerror or str(error)).lower()
    return ConfigurationError(f"--out {folder}", problem, "name another folder")
