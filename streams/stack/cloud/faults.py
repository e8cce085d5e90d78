"""What the cloud stand-in can be told to do wrong."""

from pydantic import Field

from streams.stack.standin.control import Switches

__all__ = ["Faults"]


class Faults(Switches):
    """Limits and faults. Without any, every well-formed call with the right key succeeds."""

    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    burst_seconds: float = Field(
        default=60, gt=0, description="How much of a minute's budget may be spent at once."
    )
    retry_after: bool = Field(default=True, description="A 429 says when to come back.")
    insufficient_quota: bool = Field(default=False, description="429: the account is empty.")
    error_rate: float = Field(default=0, ge=0, le=1, description="Share of calls to fail.")
    error_status: int = Field(default=500, ge=400, le=599, description="How they fail.")
    reset_rate: float = Field(default=0, ge=0, le=1, description="Share of calls to cut off.")
    shuffle: bool = Field(default=False, description="Answer out of order; `index` is right.")
