"""Which index a collection gets, by what the server says of itself."""

import pytest

from streams.adapters.milvus_collections import hnsw_m


class Server:
    """Answers as a Milvus that is no Milvus Lite."""

    def __init__(self, version: str) -> None:
        self._version = version

    def get_server_version(self, timeout: float) -> str:
        assert timeout > 0
        return self._version


@pytest.mark.parametrize("version", ["v2.3.5", "2.6.0"])
def test_a_server_makes_the_graph_that_its_settings_ship_with(version):
    assert hnsw_m(Server(version), 1.0) == 18
