"""Whether this process can answer searches, and how each of its parts is.

Once ready it stays ready: that Kafka goes away later ages the flag, and does not stop reads.
A lane that fails later shows here and is what the fallback is for.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from schemas import BuildStarted
from streams.errors import ConfigurationError
from streams.services.serving.breakers import Breakers
from streams.services.serving.control_view import ControlView
from streams.services.serving.feedback import Feedback
from streams.services.serving.mirror import Shadow
from streams.services.serving.models import Models
from streams.services.serving.observing import Observations
from streams.services.serving.searcher import Searcher

__all__ = ["Serving"]


@dataclass(slots=True)
class Serving:
    """All that the faces of serving need.

    Attributes:
        first_fold: done once the control log was read to its end; raises if it can not be.
        was_ready: whether it was ready before, which is enough.
    """

    control: ControlView
    searcher: Searcher
    shadow: Shadow
    feedback: Feedback
    observations: Observations
    models: Models
    breakers: Breakers
    first_fold: asyncio.Future[Any]
    was_ready: bool = False

    def readiness(self) -> dict[str, Any]:
        """Whether it is ready, and the state of each part, as JSON."""
        folded = self.control.folded()
        readable = self.control.readable() if folded else ()
        lanes = {name: self._lane(name) for name in sorted(self.searcher.lanes)}
        self.was_ready = self.was_ready or any(
            lane["model"] == "as built" for name, lane in lanes.items() if name in readable
        )
        return {
            "ready": self.was_ready,
            "control": {
                "folded": folded,
                "defines_migration": folded and self.control.routing() is not None,
                "problem": self.control.problem(),
                "control_age_seconds": round(self.control.age(), 3) if folded else None,
            },
            "readable": sorted(readable),
            "lanes": lanes,
            "shadow": {"mirrored": self.shadow.mirrored, "dropped": self.shadow.dropped},
            "observations": {
                "written": self.observations.written,
                "dropped": self.observations.dropped,
            },
        }

    def _lane(self, name: str) -> dict[str, Any]:
        try:
            build = self.control.build(name) if self.control.folded() else None
        except ConfigurationError:
            build = None
        identity = build and self.models.identity(build)
        others = [other for other in self.control.builds(name) if other != build]
        return {
            "model": "not built" if build is None else self._model(build),
            "build": build and build.build,
            "breaker": self.breakers.phase(name),
            "problem": str(identity.problem) if identity and identity.problem else None,
            "other_builds": {str(other.build): self._model(other) for other in others},
        }

    def _model(self, build: BuildStarted) -> str:
        """How the build's live model is to its pinned one."""
        identity = self.models.identity(build)
        if identity is None or identity.live is None:
            return "unknown"
        return "changed" if identity.differences(build) else "as built"
