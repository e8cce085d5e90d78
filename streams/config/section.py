"""What every section of `hotswap.toml` has in common, and the kinds of names in it."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

__all__ = ["Name", "Section", "TopicName"]


class Section(BaseModel):
    """An immutable section that refuses unknown keys and keeps values out of error texts."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _plain_name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", value):
        raise ValueError(
            f"{value!r} must be at most 40 lower-case letters, digits and _, the first a letter"
        )
    return value


def _topic_name(value: str) -> str:
    # Kafka's own rule, org.apache.kafka.common.internals.Topic.validate.
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", value) or value in {".", ".."}:
        raise ValueError(f"{value!r} is no topic name: use at most 249 of A-Z a-z 0-9 . _ -")
    return value


Name = Annotated[str, AfterValidator(_plain_name)]
"""A source's or lane's name: part of document ids, topics, groups and collections."""

TopicName = Annotated[str, AfterValidator(_topic_name)]
"""The name of a Kafka topic."""
