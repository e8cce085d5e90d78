"""The flag for code that asks OpenFeature for it; needs `pip install "hotswap[openfeature]"`.

Evaluates in process, from the control log as it was last read: no evaluation waits for
anything, and none raises. Words, codes and life cycle are those of OpenFeature's specification,
https://openfeature.dev/specification/sections/providers.
"""

import asyncio
import threading
from collections.abc import Mapping, Sequence

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEvent, ProviderEventDetails
from openfeature.exception import (
    ErrorCode,
    OpenFeatureError,
    ProviderFatalError,
    ProviderNotReadyError,
)
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType
from openfeature.provider import AbstractProvider, Metadata

from schemas import FLAG
from streams.client.background import Background
from streams.client.configuration import settings_of
from streams.client.flag_source import FlagSource, Following, follow, followed
from streams.client.resolution import resolve, unknown
from streams.client.watch import News, Seen, Standing, Watch
from streams.errors import HotswapError, TransientError
from streams.services.serving.control_view import ControlView

__all__ = ["HotswapProvider"]

_Object = Sequence[FlagValueType] | Mapping[str, FlagValueType]

_EVENTS = {
    Standing.CURRENT: ProviderEvent.PROVIDER_READY,
    Standing.STALE: ProviderEvent.PROVIDER_STALE,
    Standing.LOST: ProviderEvent.PROVIDER_ERROR,
}


class HotswapProvider(AbstractProvider):
    """Answers the boolean flag `useLocalEmbeddings`; its variant is the name of a lane.

    A flag that is out of date, or whose control log can not be followed any more, keeps its
    last state: going back to the default would move readers about.

    Args:
        source: settings or the path of a `hotswap.toml`, to follow the control log in a thread
            of its own; or a client or a follower that does so already, and stays open.
        ready_seconds: how long `initialize` waits for the control log to be read.
        stale_after_seconds: for how long the control log may be away before answers are stale.
        look_every_seconds: how often to look whether it is.
    """

    def __init__(
        self,
        source: FlagSource = None,
        *,
        ready_seconds: float = 30.0,
        stale_after_seconds: float = 10.0,
        look_every_seconds: float = 1.0,
    ) -> None:
        super().__init__()
        self._source = source
        self._ready_seconds = ready_seconds
        self._stale_after_seconds = stale_after_seconds
        self._look_every_seconds = look_every_seconds
        self._lock = threading.Lock()
        self._background: Background[ControlView] | None = None
        self._control: ControlView | None = None
        self._watch: Watch | None = None

    def get_metadata(self) -> Metadata:
        """The provider's name."""
        return Metadata(name="Hotswap")

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        """Wait until the control log was read once; the SDK calls this.

        With a client or a follower as its source, and called on an event loop, it does not
        wait: the source may need that very loop.

        Raises:
            ProviderFatalError: it can not be read: settings, or the log itself, are wrong.
            ProviderNotReadyError: it was not read in time; a ready event follows once it is.
        """
        del evaluation_context
        with self._lock:
            self._end()
            try:
                control, watch = self._begin()
            except HotswapError as error:
                raise _refusal(error) from error
        may_wait = self._background is not None or not _is_on_a_loop()
        seen = watch.begin(self._ready_seconds if may_wait else 0.0)
        if seen.standing is Standing.LOST and not control.folded():
            self.shutdown()
            raise ProviderFatalError(seen.problem)
        if seen.standing is Standing.UNKNOWN:
            raise ProviderNotReadyError("the control log was not read yet; it is waited for")

    def shutdown(self) -> None:
        """Stop watching, and close what the provider opened; the SDK calls this."""
        with self._lock:
            self._end()

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,  # noqa: FBT001 - the SDK's interface
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """The flag for who asks: the context's targeting key, and its attribute `cohort`."""
        if flag_key != FLAG:
            return unknown(flag_key, default_value)
        return resolve(self._control, evaluation_context, default=default_value)

    def resolve_string_details(
        self,
        flag_key: str,
        default_value: str,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[str]:
        """An error: there is no such flag."""
        del evaluation_context
        return unknown(flag_key, default_value)

    def resolve_integer_details(
        self,
        flag_key: str,
        default_value: int,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[int]:
        """An error: there is no such flag."""
        del evaluation_context
        return unknown(flag_key, default_value)

    def resolve_float_details(
        self,
        flag_key: str,
        default_value: float,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[float]:
        """An error: there is no such flag."""
        del evaluation_context
        return unknown(flag_key, default_value)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: _Object,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[_Object]:
        """An error: there is no such flag."""
        del evaluation_context
        return unknown(flag_key, default_value)

    def _begin(self) -> tuple[ControlView, Watch]:
        if isinstance(self._source, Following):
            control = followed(self._source)
        else:
            self._background = Background(follow(settings_of(self._source)))
            control = self._background.held
        self._control = control
        self._watch = Watch(
            control,
            self._tell,
            stale_after_seconds=self._stale_after_seconds,
            every_seconds=self._look_every_seconds,
        )
        return control, self._watch

    def _end(self) -> None:
        watch, self._watch = self._watch, None
        background, self._background = self._background, None
        self._control = None
        if watch is not None:
            watch.stop()
        if background is not None:
            background.close()

    def _tell(self, news: News, seen: Seen) -> None:
        if news is News.ANSWERS:
            changed = ProviderEventDetails(flags_changed=[FLAG])
            self.emit_provider_configuration_changed(changed)
        elif event := _EVENTS.get(seen.standing):
            self.emit(event, _details(seen))


def _details(seen: Seen) -> ProviderEventDetails:
    if seen.standing is Standing.STALE:
        message = f"the control log was last reached {seen.age:.0f} s ago; its last state holds"
        return ProviderEventDetails(message=message)
    if seen.standing is Standing.LOST:
        # Fatal to the SDK means to give out defaults, which the last state is better than.
        code = ErrorCode.GENERAL if seen.folded else ErrorCode.PROVIDER_FATAL
        return ProviderEventDetails(message=seen.problem, error_code=code)
    return ProviderEventDetails()


def _refusal(error: HotswapError) -> OpenFeatureError:
    if isinstance(error, TransientError):
        return ProviderNotReadyError(str(error))
    return ProviderFatalError(str(error))


def _is_on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
