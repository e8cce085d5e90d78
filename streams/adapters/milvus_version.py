"""Which Milvus answers."""

import grpc
from pymilvus import MilvusClient

__all__ = ["server_version"]


def server_version(client: MilvusClient, timeout: float) -> str:
    """The server's version, as it tells it; empty if it has no call for it (Milvus Lite)."""
    try:
        return str(client.get_server_version(timeout=timeout))
    except grpc.RpcError as error:
        if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.UNIMPLEMENTED:
            return ""
        raise
