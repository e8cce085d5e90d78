"""What serving does when builds come, go, or take over the reads of a lane."""

import logging
from collections.abc import Callable, Mapping

from streams.config import Settings
from streams.errors import ConfigurationError
from streams.services.pinned import asked_otherwise, changed_in_words
from streams.services.serving.breakers import Breakers
from streams.services.serving.control_view import ControlView
from streams.services.serving.models import Models

__all__ = ["follow_builds"]

_log = logging.getLogger(__name__)


def follow_builds(
    settings: Settings, control: ControlView, models: Models, breakers: Breakers
) -> Callable[[], None]:
    """A function to call whenever the control log may have changed.

    Keeps the models of all builds open, and gives a lane that is read from another build a fresh
    start. Does nothing before the log was read to its end: builds that are long gone stand in it.
    """
    seen: dict[str, str] = {}
    told: dict[str, Mapping[str, object]] = {}

    def look() -> None:
        if not control.folded():
            return
        models.keep(build for lane in settings.lanes for build in control.builds(lane))
        for lane, config in settings.lanes.items():
            serving = _serving(control, lane)
            if lane in seen and seen[lane] != serving:
                breakers.renewed(lane)
            seen[lane] = serving
            differences = asked_otherwise(config, control.builds(lane))
            if differences and told.get(lane) != differences:
                _log.warning("lane %s: %s", lane, changed_in_words(lane, differences))
            told[lane] = differences

    return look


def _serving(control: ControlView, lane: str) -> str:
    """The id of the record that began the build that serves; empty if there is none."""
    try:
        return control.build(lane).id
    except ConfigurationError:
        return ""
