"""The one table from pymilvus' errors to Hotswap's.

Codes: https://github.com/milvus-io/milvus/blob/master/pkg/util/merr/errors.go
"""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from pymilvus import exceptions as milvus
from pymilvus.client.types import Status

from streams.errors import (
    ConfigurationError,
    HotswapError,
    InputRefused,
    LaneHalted,
    TransientError,
)

__all__ = ["is_absent", "translated"]

_ABSENT = frozenset({100, 800})
"""No such collection, no such database."""

_REFUSING = frozenset({1100, 1101, 1102, 1700, 1701, 2000})
"""Parameter invalid, missing or too large; field not found or invalid; segment core."""

_HALTING = frozenset({10, 102, 105, 1400, 1401, 1800})
"""Not implemented; too many collections; illegal schema; authentication and privileges."""

_CLIENT_REFUSALS = (
    milvus.DataNotMatchException,
    milvus.DataTypeNotMatchException,
    milvus.DataTypeNotSupportException,
    milvus.FieldsTypeException,
    milvus.ParamError,
    milvus.PrimaryKeyException,
)
"""What pymilvus itself refuses to send; all have code 1."""

_GRPC_HALTING = frozenset(
    {
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)


@contextmanager
def translated(uri: str, collection: str = "") -> Iterator[None]:
    """Raise errors of `streams.errors` for those of pymilvus and gRPC."""
    subject = f"{uri}, collection {collection}" if collection else uri
    try:
        yield
    except milvus.ConnectionConfigException as error:
        raise ConfigurationError("milvus.uri", str(error.message)) from error
    except milvus.MilvusException as error:
        raise _of_milvus(subject, error) from error
    except grpc.RpcError as error:
        raise _of_grpc(subject, error) from error
    except grpc.FutureTimeoutError as error:
        raise TransientError(f"{subject}: no answer in time") from error


def is_absent(error: milvus.MilvusException) -> bool:
    """Whether the error says that there is no such collection."""
    return error.code in _ABSENT


def _of_milvus(subject: str, error: milvus.MilvusException) -> HotswapError:
    said = f"{subject}: {str(error.message)[:500]}"
    code = error.code
    if isinstance(code, grpc.StatusCode):  # pymilvus puts gRPC's status here when it gives up
        return _of_code(code, said)
    if code in _ABSENT:
        return LaneHalted(
            f"{said}\n  remedy: `hotswap init` makes it; if it was dropped, start a new build"
        )
    if code in _HALTING:
        return LaneHalted(said)
    if code == Status.CONNECT_FAILED:
        # A wrong token shows as a failed connection; only the cause tells.
        cause = error.__cause__
        return _of_grpc(said, cause) if isinstance(cause, grpc.RpcError) else TransientError(said)
    if code in _REFUSING or isinstance(error, _CLIENT_REFUSALS) or error.is_input_error:
        return InputRefused(said)
    # All else may pass: unavailable, rate limit, quota, memory, disk, not loaded yet, unknown.
    return TransientError(said)


def _of_grpc(subject: str, error: grpc.RpcError) -> HotswapError:
    if not isinstance(error, grpc.Call):
        return TransientError(f"{subject}: {error!r}")
    code = error.code()
    return _of_code(code, f"{subject}: {code.name}: {str(error.details())[:500]}")


def _of_code(code: grpc.StatusCode, said: str) -> HotswapError:
    if code in _GRPC_HALTING:
        return LaneHalted(said)
    if code is grpc.StatusCode.INVALID_ARGUMENT:
        return InputRefused(said)
    return TransientError(said)
