"""`hotswap adopt`: a collection that others made becomes a lane's, without buying it again."""
# ruff: noqa: PLC0415 (`hotswap --help` must not wait for libraries it does not use)

from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from streams.cli import adopt_view, output, session
from streams.cli.exits import Exit
from streams.cli.progress_bars import progress_bars
from streams.errors import ConfigurationError

if TYPE_CHECKING:
    from streams.config import Settings
    from streams.migration.state import State
    from streams.ports import ForeignFields, ForeignId
    from streams.services.adopt import AdoptionWish
    from streams.services.adopt_outcome import Adoption

__all__ = ["command"]

# Named here again, since `streams.core.adoption` loads pydantic; a test compares.
IdIsName = Literal["key", "document-id"]


def command(
    context: typer.Context,
    *,
    collection: Annotated[
        str, typer.Option("--collection", metavar="NAME", help="The collection; only read.")
    ],
    id_field: Annotated[
        str, typer.Option("--id-field", metavar="FIELD", help="Its ids, integers or strings.")
    ],
    vector_field: Annotated[
        str, typer.Option("--vector-field", metavar="FIELD", help="Its vectors.")
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            metavar="NAME",
            help="Whose documents its rows are; the only source by default.",
        ),
    ] = None,
    lane: Annotated[
        str | None,
        typer.Option(
            "--lane", help="The lane whose model made them; that which reads move from by default."
        ),
    ] = None,
    text_field: Annotated[
        str | None,
        typer.Option(
            "--text-field",
            metavar="FIELD",
            help="The text of each row: those with another text than their document are left out.",
        ),
    ] = None,
    id_is: Annotated[
        IdIsName, typer.Option("--id-is", help="What the ids are: the source's key, or whole ids.")
    ] = "key",
    sample: Annotated[
        int, typer.Option("--sample", min=1, max=10_000, help="Rows to embed anew, as a proof.")
    ] = 50,
    seed: Annotated[int, typer.Option("--seed", help="Another one gives another sample.")] = 0,
    tolerance: Annotated[
        float,
        typer.Option("--tolerance", min=0, max=1, help="Cosine that an honest vector reaches."),
    ] = 0.99,
    allow_below: Annotated[
        float,
        typer.Option(
            "--allow-below", min=0, max=100, help="Per cent of the sample that may stay below."
        ),
    ] = 10.0,
    unmatched: Annotated[
        Path | None,
        typer.Option("--unmatched", metavar="FILE", help="Write ids without a document to a file."),
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds for the lane's workers to see the pause.")
    ] = 30.0,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Write nothing; the sample is embedded all the same."),
    ] = False,
    json: session.Json = False,
) -> None:
    """Copy the vectors of a collection that Hotswap did not make, under their document ids.

    A random sample is embedded anew first; nothing is adopted unless it shows that the lane's
    model made the vectors. The lane must be paused. Can be cut off and run again at any time.
    """
    from streams.core.adoption import IdIs
    from streams.ports import ForeignFields
    from streams.services.adopt import AdoptionWish

    settings = session.settings(context)
    wish = partial(
        AdoptionWish,
        source=_only_source(settings) if source is None else source,
        id_is=IdIs(id_is),
        compare_texts=text_field is not None,
        sample=sample,
        seed=seed,
        tolerance=tolerance,
        allowed_below=allow_below / 100,
        wait_seconds=wait,
        dry_run=dry_run,
    )
    fields = ForeignFields(id_field, vector_field, text_field)
    adoption = session.run(_adopt(settings, collection, fields, lane, wish, unmatched=unmatched))
    if json:
        output.print_json(adopt_view.as_data(adoption))
    else:
        adopt_view.show(adoption, output.console())
    if adoption.refused:
        raise typer.Exit(Exit.FAILED)


def _only_source(settings: "Settings") -> str:
    """Raises: ConfigurationError if it is not the only one."""
    names = [source.name for source in settings.sources]
    if len(names) == 1:
        return names[0]
    raise ConfigurationError(
        "--source",
        "is not given, and there are several sources",
        f"choose from: {', '.join(sorted(names))}",
    )


async def _adopt(
    settings: "Settings",
    collection: str,
    fields: "ForeignFields",
    lane: str | None,
    wish_for: "Callable[..., AdoptionWish]",
    *,
    unmatched: Path | None,
) -> "Adoption":
    from streams.services.adopt import AdoptionParts, adopt
    from streams.services.control import build_of
    from streams.services.open import (
        lane_config,
        open_control,
        open_embedder,
        open_foreign,
        open_log,
        open_store,
    )

    if lane is not None:
        lane_config(settings, lane)
    async with AsyncExitStack() as exits:
        log = open_log(settings)
        exits.push_async_callback(log.close)
        store = open_store(settings)
        exits.push_async_callback(store.close)
        foreign = open_foreign(settings, collection, fields)
        exits.push_async_callback(foreign.close)
        control = open_control(settings, log)
        state = await control.refresh()
        wish = wish_for(lane=_source_lane(state) if lane is None else lane)
        build = build_of(state, wish.lane)
        embedder = open_embedder(settings, wish.lane, build.fingerprint)
        exits.push_async_callback(embedder.close)
        on_unmatched = exits.enter_context(_ids_written_to(unmatched))
        show = exits.enter_context(progress_bars())
        parts = AdoptionParts(
            settings=settings,
            log=log,
            control=control,
            store=store,
            embedder=embedder,
            foreign=foreign,
            on_progress=lambda at: show(at.phase, at.done, at.total),
            on_unmatched=on_unmatched,
        )
        return await adopt(wish, parts)


def _source_lane(state: "State") -> str:
    """The migration's; raises ConfigurationError if there is none."""
    if state.migration is None:
        raise ConfigurationError("migration", "none is defined yet", "run `hotswap init`")
    return state.migration.source


@contextmanager
def _ids_written_to(
    path: Path | None,
) -> "Iterator[Callable[[Sequence[ForeignId | None]], None]]":
    """Writes ids as JSON, one a line, so that whatever stands in one can be read back."""
    import orjson

    if path is None:
        yield lambda _ids: None
        return
    try:
        file = path.open("wb")
    except OSError as error:
        raise _not_writable(path, error) from error

    def write(ids: "Sequence[ForeignId | None]") -> None:
        try:
            file.writelines(orjson.dumps(each) + b"\n" for each in ids)
        except OSError as error:
            raise _not_writable(path, error) from error

    with file:
        yield write


def _not_writable(path: Path, error: OSError) -> ConfigurationError:
    problem = f"can not be written ({error.strerror})"
    return ConfigurationError(f"--unmatched {path}", problem, "name another file")
