"""The migration: from which lane to which, by what policy, and who may command it."""

from pydantic import Field

from schemas import Policy
from streams.config.secrets import SecretRef
from streams.config.section import Name, Section

__all__ = ["ControlConfig", "MigrationConfig", "RetiredKeyConfig"]


class RetiredKeyConfig(Section):
    """A control key that signs no more. What it signed is history, and has to stay valid."""

    key: SecretRef = Field(description="The key.")
    before: int = Field(
        ge=0,
        description="Offset of the control log from which on it does not count any more:"
        " `hotswap history` shows offsets.",
    )


class ControlConfig(Section):
    """Signatures on the control log. Every process must be given the same keys."""

    key: SecretRef | None = Field(
        default=None,
        description="Signs what Hotswap appends. With a key, records without a valid signature"
        " are rejected. 16 bytes or more.",
    )
    previous_key: SecretRef | None = Field(
        default=None, description="Also accepted, while a new key is being spread."
    )
    retired_keys: tuple[RetiredKeyConfig, ...] = Field(
        default=(), description="Keys of earlier times, for the records that they signed."
    )
    signed_from: int = Field(
        default=0,
        ge=0,
        description="Offset from which on signatures are asked for, if the log was begun without.",
    )


def _default(name: str) -> int:
    value: int = Policy.model_fields[name].default
    return value


class MigrationConfig(Section):
    """What `hotswap init` writes to the control log; from then on the log is the truth."""

    source: Name | None = Field(
        default=None,
        description="The lane that reads come from. Left out: the first of two lanes.",
    )
    target: Name | None = Field(
        default=None, description="The lane that reads go to. Left out: the second of two lanes."
    )
    salt: str = Field(
        default="hotswap",
        min_length=1,
        max_length=200,
        description="Of the ramp's buckets. Another one moves users about, so leave it alone.",
    )
    evidence_seconds: int = Field(
        default=_default("evidence_seconds"),
        gt=0,
        description="How long a preflight, verify or gate counts.",
    )
    health_seconds: int = Field(
        default=_default("health_seconds"), gt=0, description="How long evidence of health counts."
    )
    health_samples: int = Field(
        default=_default("health_samples"), ge=1, description="Reads that it must rest on."
    )
    full_hold_seconds: int = Field(
        default=_default("full_hold_seconds"), ge=0, description="Time at 100 % before rampdown."
    )
    safety_seconds: int = Field(
        default=_default("safety_seconds"), ge=0, description="Time in rampdown before complete."
    )
    retire_hold_seconds: int = Field(
        default=_default("retire_hold_seconds"),
        ge=0,
        description="Time in complete before the source lane may be retired.",
    )

    @property
    def policy(self) -> Policy:
        """The part that the guards go by."""
        return Policy(**{name: getattr(self, name) for name in Policy.model_fields})
