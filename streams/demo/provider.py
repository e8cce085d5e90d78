"""Lets the cloud stand-in answer no sooner than a provider on the internet would."""

import httpx

from streams.demo.screen import Screen
from streams.errors import TransientError
from streams.stack.status import Endpoints

__all__ = ["answer_like_a_provider"]

_LATENCY_MS = 80


async def answer_like_a_provider(screen: Screen, endpoints: Endpoints) -> None:
    """Give the stand-in a latency.

    Raises: TransientError if it does not take it.
    """
    url = f"{endpoints.cloud_url.removesuffix('/v1')}/admin/faults"
    try:
        async with httpx.AsyncClient(timeout=10) as client:
            (await client.post(url, json={"latency_ms": _LATENCY_MS})).raise_for_status()
    except httpx.HTTPError as error:
        raise TransientError(f"the cloud stand-in does not take {url}: {error}") from error
    screen.say(
        "The cloud API is a [bold]stand-in[/] over a real model in memory; it answers after"
        f" {_LATENCY_MS} ms, as one on the internet would."
    )
