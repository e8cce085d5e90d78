"""What the suites of several ports share."""

from collections.abc import Iterator

import pytest

from tests.contract.lite import LiteServer


@pytest.fixture(scope="session")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiteServer]:
    """A running server that all tests share; each takes collections of its own."""
    server = LiteServer(tmp_path_factory.mktemp("milvus"))
    server.start()
    yield server
    server.stop()
