"""The server on a real socket: it drains when it is told to stop, and ends with what it needs."""

import asyncio

import httpx
import pytest
from starlette.responses import PlainTextResponse

from streams.config import ServeConfig
from streams.errors import ConfigurationError
from streams.web.listening import listen, url_of
from streams.web.server import run


class App:
    """Answers once it may."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def __call__(self, scope, receive, send):
        self.asked.set()
        await self.may_answer.wait()
        await PlainTextResponse("done")(scope, receive, send)


@pytest.fixture
async def app() -> App:
    return App()


@pytest.fixture
async def vital() -> asyncio.Future[object]:
    return asyncio.get_running_loop().create_future()


async def test_a_request_under_way_is_answered_before_the_end_and_no_other_is_taken(app, vital):
    stop, listening = asyncio.Event(), listen(ServeConfig(port=0))
    running = asyncio.create_task(run(app, listening, stop=stop, vital=vital, drain_seconds=10))
    url = url_of(listening)
    async with httpx.AsyncClient() as http, asyncio.timeout(10):
        asking = asyncio.create_task(http.get(url))
        await app.asked.wait()
        stop.set()
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
            except OSError:
                break
            writer.close()
            await asyncio.sleep(0.02)
        assert not asking.done()
        app.may_answer.set()
        assert (await asking).text == "done"
        await running


async def test_it_ends_when_what_it_needs_can_not_be_had(app, vital):
    running = asyncio.create_task(
        run(app, listen(ServeConfig(port=0)), stop=asyncio.Event(), vital=vital, drain_seconds=1)
    )
    vital.set_exception(ConfigurationError("topic control", "does not exist"))
    async with asyncio.timeout(10):
        with pytest.raises(ConfigurationError, match="control"):
            await running


async def test_it_goes_on_once_what_it_needs_is_there(app, vital):
    stop, listening = asyncio.Event(), listen(ServeConfig(port=0))
    url = url_of(listening)
    running = asyncio.create_task(run(app, listening, stop=stop, vital=vital, drain_seconds=1))
    vital.set_result(None)
    app.may_answer.set()
    async with httpx.AsyncClient() as http, asyncio.timeout(10):
        assert (await http.get(url)).text == "done"
        stop.set()
        await running
