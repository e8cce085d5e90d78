"""Two lanes on a site, both filled, with a migration between them that is about to read both."""

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from pydantic import SecretStr

from schemas import Command, MigrationDefined, Stage, StageSet
from streams.adapters.openai_embedder import OpenAIEmbedder
from streams.bench.lane_run import LaneRun, empty_lane
from streams.bench.rounds import Progress
from streams.bench.site import Site, open_site
from streams.bench.texts import document_records, documents
from streams.config import OpenAIConfig, SecretRef, ServeConfig, Settings
from streams.errors import TransientError
from streams.migration.verdicts import Accepted
from streams.services.control import ControlLog
from streams.services.open import open_control
from streams.services.verify_lane import record, verify_lane
from streams.stack.status import Endpoints

__all__ = ["CLOUD_KEY", "Migrated", "open_migrated"]

CLOUD_KEY = "HOTSWAP_BENCH_CLOUD_KEY"
"""The environment variable by which the settings name the stand-in's key."""

_BY = "hotswap bench"
_WAIT_SECONDS = 60.0
_UNLIMITED = 100_000


@dataclass(frozen=True, slots=True)
class Migrated:
    """A migration in stage `dualwrite` whose target may be mirrored to.

    Attributes:
        settings: with both lanes, and for `serve` on a free port.
        source: the lane that answers.
        target: the lane that may be mirrored to.
        config: of the source.
        collection: of the source.
    """

    settings: Settings
    source: str
    target: str
    config: OpenAIConfig
    collection: str
    _control: ControlLog

    async def mirror(self, *, on: bool) -> int:
        """Go to stage `shadow`, or back to `dualwrite`; the version that is in force then."""
        to = Stage.SHADOW if on else Stage.DUALWRITE
        if self._control.state.stage is not to:
            await _obeyed(self._control, StageSet(id=_id(), by=_BY, to=to))
        return self._control.state.version


@asynccontextmanager
async def open_migrated(
    endpoints: Endpoints, stored: int, progress: Progress
) -> AsyncIterator[Migrated]:
    """A site with both lanes, each with so many documents; all is deleted at the end."""
    configs = (_lane(endpoints), _lane(endpoints, shorter=True))
    async with AsyncExitStack() as exits:
        site = await exits.enter_async_context(open_site(endpoints))
        await site.fill(document_records(site.documents, documents(stored)))
        lanes: list[LaneRun] = []
        for config in configs:
            embedder = OpenAIEmbedder(config, SecretStr(endpoints.cloud_api_key))
            exits.push_async_callback(embedder.close)
            lanes.append(await exits.enter_async_context(empty_lane(site, config, embedder)))
            progress.begin("filling a lane", stored)
            await lanes[-1].fill(stored, progress)
        source, target = lanes
        settings = site.settings.model_copy(
            update={
                "lanes": {lane.name: config for lane, config in zip(lanes, configs, strict=True)},
                # Its defaults, but that a fast machine must not meet its limits.
                "serve": ServeConfig(
                    port=0, requests_per_second=_UNLIMITED, concurrency=_UNLIMITED
                ),
            }
        )
        control = await _dualwrite(site, settings, source.name, target.name)
        yield Migrated(settings, source.name, target.name, configs[0], source.collection, control)


async def _dualwrite(site: Site, settings: Settings, source: str, target: str) -> ControlLog:
    """Define the migration, write both lanes, and prove the target."""
    control = open_control(settings, site.log)
    await control.refresh()
    defined = MigrationDefined(id=_id(), by=_BY, source=source, target=target, salt="bench")
    await _obeyed(control, defined)
    reason = "a bench has no preflight"
    await _obeyed(
        control, StageSet(id=_id(), by=_BY, to=Stage.DUALWRITE, force=True, reason=reason)
    )
    verified = await verify_lane(
        settings, target, control, site.log, site.store, wait_seconds=_WAIT_SECONDS
    )
    await record(control, verified, _BY)
    return control


async def _obeyed(control: ControlLog, command: Command) -> None:
    verdict = (await control.append(command)).verdict
    if not isinstance(verdict, Accepted):
        raise TransientError(f"an order of the bench was not obeyed: {verdict.why}")


def _lane(endpoints: Endpoints, *, shorter: bool = False) -> OpenAIConfig:
    """A lane of the cloud stand-in; with half its dimensions it is another model."""
    return OpenAIConfig(
        provider="openai",
        base_url=endpoints.cloud_url,
        model=endpoints.cloud_model,
        dimensions=endpoints.cloud_dimensions // 2 if shorter else endpoints.cloud_dimensions,
        send_dimensions=shorter,
        api_key=SecretRef(env=CLOUD_KEY),
    )


def _id() -> str:
    return str(uuid.uuid4())
