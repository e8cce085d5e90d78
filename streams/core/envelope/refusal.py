"""How the readers of a change event say no."""

from schemas import Reason

__all__ = ["Refused"]


class Refused(Exception):
    """A record can not become an outcome; `normalise` turns this into a value."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
