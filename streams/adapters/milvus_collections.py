"""Making and finding collections of Hotswap's, over an open client."""

from pymilvus import MilvusClient
from pymilvus.exceptions import MilvusException

from schemas import Fingerprint
from streams.adapters.milvus_errors import is_absent
from streams.adapters.milvus_schema import Described, collection_schema, describe, drift
from streams.adapters.milvus_version import server_version
from streams.errors import DriftError

__all__ = ["ensure_collection", "found_collection", "hnsw_m"]

_METRIC = "COSINE"
_INDEX = "AUTOINDEX"
_AUTOINDEX_M = 18
"""As milvus.yaml has it, `autoIndex.params.build`, from 2.3 on: HNSW with efConstruction 240."""


def ensure_collection(
    client: MilvusClient, collection: str, fingerprint: Fingerprint, timeout: float
) -> None:
    """Make the collection, its index, and load it: whichever is not done yet.

    A creator that died half-way, or another one at the same time, does no harm.

    Raises: DriftError, besides pymilvus' own errors.
    """
    found = found_collection(client, collection, timeout)
    if found is None:
        _create(client, collection, fingerprint, timeout)
        found = found_collection(client, collection, timeout)
    if found is None:
        raise MilvusException(100, f"collection {collection} is gone as soon as it is made")
    drift(collection, fingerprint, found)
    _index(client, collection, timeout)
    client.load_collection(collection, timeout=timeout)


def found_collection(client: MilvusClient, collection: str, timeout: float) -> Described | None:
    """The collection as it stands; None if there is none.

    Raises: DriftError if it was not made by Hotswap, besides pymilvus' own errors.
    """
    try:
        answer = client.describe_collection(collection, timeout=timeout)
    except MilvusException as error:
        if is_absent(error):
            return None
        raise
    return describe(collection, answer)


def hnsw_m(client: MilvusClient, timeout: float) -> int | None:
    """M of the HNSW graph that collections get here, unless the server's settings were changed.

    None: there is no graph, since Milvus Lite compares a query with every row.
    """
    return _AUTOINDEX_M if server_version(client, timeout) else None


def _create(
    client: MilvusClient, collection: str, fingerprint: Fingerprint, timeout: float
) -> None:
    try:
        client.create_collection(
            collection,
            schema=collection_schema(fingerprint),
            consistency_level="Strong",
            timeout=timeout,
        )
    except MilvusException:
        # Somebody else may have been faster; what is there is compared in either case.
        if not client.has_collection(collection, timeout=timeout):
            raise


def _index(client: MilvusClient, collection: str, timeout: float) -> None:
    names = client.list_indexes(collection, field_name="embedding", timeout=timeout)
    if not names:
        wanted = client.prepare_index_params()
        wanted.add_index("embedding", index_type=_INDEX, metric_type=_METRIC)
        # Not waited for: the collection is new and empty, and pymilvus' wait begins with half a
        # second and does not heed a timeout that is a float.
        client.create_index(collection, wanted, timeout=timeout, sync=False)
        return
    metric = client.describe_index(collection, names[0], timeout=timeout).get("metric_type")
    if metric != _METRIC:
        raise DriftError(
            f"collection {collection}",
            {"metric of the index": (_METRIC, metric)},
            "drop the index, or start a new build",
        )
