"""One lane with builds, over systems in memory, and what workers of its builds would do."""

from streams.adapters.memory_embedder import MemoryEmbedder
from streams.core.role_names import embed_role_name
from streams.migration.state import State
from streams.services.budget import Budget
from streams.services.build_start import Started, start_build
from streams.services.control import ControlLog
from streams.services.gate import Pace
from streams.services.lane import Lane
from streams.services.lane_parts import lane_of
from tests.unit.services.init_world import World

__all__ = ["BuildWorld"]


class BuildWorld(World):
    """See the module. Lane `ollama` is the one that is built anew."""

    async def start(self, embedder: MemoryEmbedder | None = None, **fields: bool) -> Started:
        return await start_build(
            self.settings,
            "ollama",
            log=self.log,
            store=self.store,
            embedder=embedder or self.embedders["ollama"],
            control=self.control(),
            by="ann",
            now_ms=0,
            reason="a test",
            **fields,
        )

    def control(self) -> ControlLog:
        return ControlLog(self.log, "control")

    async def state(self) -> State:
        return await self.control().refresh()

    async def work(self, number: int, embedder: MemoryEmbedder | None = None) -> Lane:
        """The work of a worker of the build."""
        build = (await self.state()).lanes["ollama"].builds[number].pinned
        return lane_of(
            self.settings,
            build,
            log=self.log,
            store=self.store,
            embedder=embedder or self.embedders["ollama"],
            budget=Budget(),
            pace=Pace(lambda: None),
        )

    async def fill_up(self, number: int, work: Lane | None = None) -> Lane:
        """Do what a worker of the build would do, up to the end of `documents`."""
        work = work or await self.work(number)
        group = self.settings.group(embed_role_name("ollama", number))
        ends = await self.log.ends("documents")
        since = await self.log.committed(group, "documents")
        async for page in self.log.read("documents", since=since, until=ends):
            await work.process(page, lambda: None)
        self.log.commit(group, "documents", ends)
        return work
