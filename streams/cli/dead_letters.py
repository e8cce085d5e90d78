"""`hotswap dead-letters`: what could not be processed, and what to do about it."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from streams.cli import output, session
from streams.cli.exits import Exit
from streams.errors import ConfigurationError

if TYPE_CHECKING:
    from streams.config import Settings
    from streams.core.dead_letters import Letter
    from streams.ports import Log
    from streams.services.replay import ReplayContext

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Look at dead letters, replay or discard them.")

Stage = Annotated[
    str | None, typer.Option("--stage", help="Only those of `normalise` or `embed:LANE`.")
]
Why = Annotated[str | None, typer.Option("--reason", help="Only those with this reason.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Change nothing; say which letters are meant.")
]
Result = TypeVar("Result")
Answer = dict[str, str]
"""What was done about one letter: id, done, detail."""


@app.command("list")
def list_letters(
    context: typer.Context,
    stage: Stage = None,
    reason: Why = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that were replayed or discarded.")
    ] = False,
    json: session.Json = False,
) -> None:
    """List open dead letters, oldest first."""
    settings = session.settings(context)
    letters = _with_log(
        settings, lambda log: _select(log, settings, stage, reason, closed=everything)
    )
    if json:
        output.print_json([_summary(letter) for letter in letters])
        return
    shown = [_summary(letter) for letter in letters]
    columns = ("id", "state", "stage", "reason", "document_id", "detail")
    rows = [[str(letter[column] or "") for column in columns] for letter in shown]
    console = output.console()
    if rows:
        console.print(output.table(columns, rows))
    console.print(f"{len(rows)} dead letter{'' if len(rows) == 1 else 's'}")


@app.command()
def show(
    context: typer.Context,
    letter_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    json: session.Json = False,
) -> None:
    """Show one dead letter with its original key and value."""
    from streams.services.dead_letters import find

    settings = session.settings(context)
    topic = settings.kafka.topics.dead_letters
    letter, record = _with_log(settings, lambda log: find(log, topic, [letter_id]))[letter_id]
    shown = {
        **_summary(letter),
        "original_bytes": letter.letter.original_bytes,
        "cut": letter.letter.cut,
        "key": _readable(record.key),
        "value": None if letter.letter.null_value else _readable(record.value),
    }
    if json:
        output.print_json(shown)
        return
    rows = [(name, "" if value is None else str(value)) for name, value in shown.items()]
    output.console().print(output.table(("field", "value"), rows))


@app.command("replay")
def replay_letters(
    context: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]…")] = None,
    stage: Stage = None,
    reason: Why = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that are open.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also letters that were closed before.")
    ] = False,
    dry_run: DryRun = False,
    json: session.Json = False,
) -> None:
    """Put dead letters back through the place where they failed, each once.

    Name letters, or choose with --stage, --reason or --all. Exit status 1 if one was refused.
    """
    if bool(ids) == (everything or stage is not None or reason is not None):
        raise ConfigurationError(
            "dead-letters replay",
            "is told too little or too much",
            "give IDs, or options, or --all",
        )
    settings = session.settings(context)

    async def work(log: "Log") -> list[Answer]:
        chosen = ids or [one.id for one in await _select(log, settings, stage, reason)]
        if dry_run:
            return await _would(log, settings, chosen, "would replay")
        return await _replay(_replay_context(log, settings, force=force), chosen)

    _print_answers(_with_log(settings, work), json=json)


@app.command("discard")
def discard_letters(
    context: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID…")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever asks later.")],
    *,
    dry_run: DryRun = False,
    json: session.Json = False,
) -> None:
    """Close dead letters without putting them back; their originals stay on the topic.

    Exit status 1 if one was closed before.
    """
    from streams.services.dead_letters import Discarded, discard

    settings = session.settings(context)
    topic = settings.kafka.topics.dead_letters

    async def work(log: "Log") -> list[Answer]:
        if dry_run:
            return await _would(log, settings, ids, "would discard")
        answers = []
        for letter_id in ids:
            answer = await discard(log, topic, letter_id, by=session.operator(), reason=reason)
            done = isinstance(answer, Discarded)
            detail = "" if isinstance(answer, Discarded) else answer.why
            answers.append(_answer(letter_id, "discarded" if done else "refused", detail))
        return answers

    _print_answers(_with_log(settings, work), json=json)


def _with_log(settings: "Settings", work: "Callable[[Log], Coroutine[Any, Any, Result]]") -> Result:
    async def run() -> Result:
        from streams.services.open import open_log

        log = open_log(settings)
        try:
            return await work(log)
        finally:
            await log.close()

    return session.run(run())


async def _select(
    log: "Log",
    settings: "Settings",
    stage: str | None,
    reason: str | None,
    *,
    closed: bool = False,
) -> "list[Letter]":
    from streams.core.dead_letters import LetterState
    from streams.services.dead_letters import read_letters

    letters = await read_letters(
        log,
        settings.kafka.topics.dead_letters,
        wanted=lambda one: (
            stage in {None, one.letter.stage} and reason in {None, one.letter.reason}
        ),
    )
    return [letter for letter in letters if closed or letter.state is LetterState.OPEN]


async def _would(log: "Log", settings: "Settings", ids: Sequence[str], what: str) -> list[Answer]:
    from streams.services.dead_letters import find

    found = await find(log, settings.kafka.topics.dead_letters, ids)
    return [
        _answer(letter_id, what, f"{letter.state}; {letter.letter.stage}: {letter.letter.reason}")
        for letter_id, (letter, _) in found.items()
    ]


async def _replay(context: "ReplayContext", ids: Sequence[str]) -> list[Answer]:
    from streams.services.replay import Replayed, replay

    answers = []
    async for answer in replay(context, ids):
        if isinstance(answer, Replayed):
            place = f"{answer.topic}/{answer.partition} offset {answer.offset}"
            answers.append(_answer(answer.letter_id, "replayed", place))
        else:
            done = "closed" if answer.closed else "refused"
            answers.append(_answer(answer.letter_id, done, answer.why))
    return answers


def _replay_context(log: "Log", settings: "Settings", *, force: bool) -> "ReplayContext":
    from streams.core.normalisation import Limits
    from streams.services.open import source_of
    from streams.services.replay import ReplayContext

    return ReplayContext(
        log=log,
        dead_letters=settings.kafka.topics.dead_letters,
        documents=settings.kafka.topics.documents,
        sources={source.topic: source_of(source) for source in settings.sources},
        limits=Limits(
            text_budget_bytes=settings.text_budget_bytes,
            metadata_bytes=settings.limits.metadata_bytes,
            record_bytes=settings.limits.record_bytes,
        ),
        by=session.operator(),
        force=force,
    )


def _summary(letter: "Letter") -> dict[str, object]:
    resolution = letter.resolution
    return {
        "id": letter.id,
        "state": letter.state,
        "written_at": datetime.fromtimestamp(letter.written_at / 1000, UTC).isoformat(),
        "stage": letter.letter.stage,
        "reason": letter.letter.reason,
        "detail": letter.letter.detail,
        "document_id": letter.letter.document_id,
        "topic": letter.letter.topic,
        "partition": letter.letter.partition,
        "offset": letter.letter.offset,
        "resolved_by": resolution.by if resolution else None,
        "resolved_because": resolution.reason if resolution else None,
    }


def _answer(letter_id: str, done: str, detail: str) -> Answer:
    return {"id": letter_id, "done": done, "detail": detail}


def _print_answers(answers: Sequence[Answer], *, json: bool) -> None:
    if json:
        output.print_json(answers)
    else:
        rows = [tuple(answer.values()) for answer in answers]
        output.console().print(output.table(("id", "done", "detail"), rows))
    if any(answer["done"] == "refused" for answer in answers):
        raise typer.Exit(Exit.FAILED)


def _readable(value: bytes | None) -> str | None:
    """Text as it is; bytes that are none are shown escaped."""
    return None if value is None else value.decode("utf-8", "backslashreplace")
