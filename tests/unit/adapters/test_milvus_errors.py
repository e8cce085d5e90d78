"""Each way in which pymilvus fails becomes one kind of error."""

import grpc
import pytest
from pymilvus import exceptions as milvus
from pymilvus.exceptions import MilvusException

from streams.adapters.milvus_errors import translated
from streams.errors import InputRefused, LaneHalted, TransientError


class Refused(grpc.RpcError, grpc.Call):  # type: ignore[misc]
    """A call that ended with a status, as gRPC raises it."""

    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__()
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "what the server said"


Refused.__abstractmethods__ = frozenset()  # the table asks for nothing else


def not_connected(cause: grpc.StatusCode) -> MilvusException:
    error = MilvusException(2, "Fail connecting to server on 127.0.0.1:1")
    error.__cause__ = Refused(cause)
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MilvusException(100, "collection not found"), LaneHalted),
        (milvus.DescribeCollectionException(100, "collection not found"), LaneHalted),
        (MilvusException(800, "database not found"), LaneHalted),
        (MilvusException(1400, "not authenticated"), LaneHalted),
        (MilvusException(1401, "permission deny"), LaneHalted),
        (MilvusException(grpc.StatusCode.UNAUTHENTICATED, "auth check failure"), LaneHalted),
        (Refused(grpc.StatusCode.UNAUTHENTICATED), LaneHalted),
        (Refused(grpc.StatusCode.PERMISSION_DENIED), LaneHalted),
        (Refused(grpc.StatusCode.UNIMPLEMENTED), LaneHalted),
        (not_connected(grpc.StatusCode.UNAUTHENTICATED), LaneHalted),
        (milvus.DataNotMatchException(message="field should be a int64"), InputRefused),
        (milvus.ParamError(message="`limit` value 0 is illegal"), InputRefused),
        (MilvusException(1100, "invalid parameter"), InputRefused),
        (MilvusException(1102, "message larger than max"), InputRefused),
        (MilvusException(65535, "length exceeds max length", is_input_error=True), InputRefused),
        (Refused(grpc.StatusCode.INVALID_ARGUMENT), InputRefused),
        (not_connected(grpc.StatusCode.UNAVAILABLE), TransientError),
        (MilvusException(2, "Fail connecting to server"), TransientError),
        (MilvusException(1, "service not ready"), TransientError),
        (MilvusException(3, "memory limit exceeded"), TransientError),
        (MilvusException(7, "disk limit exceeded"), TransientError),
        (MilvusException(8, "request is rejected by limiter"), TransientError),
        (MilvusException(9, "quota exceeded, force deny"), TransientError),
        (MilvusException(101, "collection not loaded"), TransientError),
        (MilvusException(65535, "nobody knows"), TransientError),
        (MilvusException(message="[upsert_rows] Retry timeout: 20s"), TransientError),
        (MilvusException(grpc.StatusCode.UNAVAILABLE, "Retry timeout: 20s"), TransientError),
        (Refused(grpc.StatusCode.UNAVAILABLE), TransientError),
        (Refused(grpc.StatusCode.DEADLINE_EXCEEDED), TransientError),
        (Refused(grpc.StatusCode.RESOURCE_EXHAUSTED), TransientError),
        (Refused(grpc.StatusCode.INTERNAL), TransientError),
        (grpc.RpcError("no call at all"), TransientError),
        (grpc.FutureTimeoutError(), TransientError),
    ],
)
def test_each_failure_has_one_meaning_and_names_what_was_called(error, kind):
    with (
        pytest.raises(kind, match=r"http://milvus:19530, collection documents_x") as caught,
        translated("http://milvus:19530", "documents_x"),
    ):
        raise error
    assert type(caught.value) is kind
    assert caught.value.__cause__ is error


def test_a_missing_collection_comes_with_a_remedy():
    with (
        pytest.raises(LaneHalted, match=r"remedy: .*hotswap init"),
        translated("http://milvus", "x"),
    ):
        raise MilvusException(100, "collection not found")
