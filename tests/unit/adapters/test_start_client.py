"""A client's start that is cancelled half-way."""

import asyncio

import pytest

from streams.adapters.kafka_client import start_client


class Client:
    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answered = asyncio.Event()
        self.knows_its_connection = False

    async def start(self) -> None:
        self.asked.set()
        await self.answered.wait()
        self.knows_its_connection = True


async def test_a_cancelled_start_ends_before_its_caller_goes_on():
    client = Client()
    starting = asyncio.create_task(start_client(client.start()))
    await client.asked.wait()
    starting.cancel()
    client.answered.set()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert client.knows_its_connection


async def test_a_cancelled_start_that_does_not_end_is_given_up(monkeypatch):
    monkeypatch.setattr("streams.adapters.kafka_client._PATIENCE_SECONDS", 0.01)
    client = Client()
    starting = asyncio.create_task(start_client(client.start()))
    await client.asked.wait()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not client.knows_its_connection


async def test_a_start_that_fails_tells_why():
    async def start() -> None:
        raise OSError("no broker")

    with pytest.raises(OSError, match="no broker"):
        await start_client(start())
