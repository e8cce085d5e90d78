"""The newest version and hash of every document, packed, and found by id.

Holds no ids: a document stands under the BLAKE2b-128 digest of its id, the function that content
hashes trust, too. That makes 43 bytes a document, and about twice that while it sorts; a
dictionary would take five times as much. Whoever needs an id again finds it in the log, at the
document's place (shard and version).

The digests are salted with a seed, so that the first documents in their order are a random sample
of all, another one with each seed (bottom-k sampling; Cohen and Kaplan, Summarizing Data using
Bottom-k Sketches, PODC 2007).
"""

from binascii import unhexlify
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from schemas.record import Record
from streams.core.records import LogRecord

__all__ = ["Documents", "Noted", "content_hash_of", "hashes_of"]

_DIGEST_BYTES: Final = 16  # of an id, and of a content hash
_HEXADECIMAL: Final = b"0123456789abcdef"
_NO_HASH: Final = b"0" * (2 * _DIGEST_BYTES)
_HEAD: Final = b'{"schema_version":%d,' % Record.VERSION
_MARK: Final = b'"content_hash":"'
_SORT_AT: Final = 100_000
_DELETED, _UNREADABLE, _READABLE = range(3)

Pairs = npt.NDArray[np.uint64]
"""Shape (n, 2): 16 bytes each."""


@dataclass(frozen=True, slots=True)
class Documents:
    """Documents in the order of their digests, each once, deleted ones left out.

    Attributes:
        digests: of their ids.
        versions: offsets of their newest records.
        shards: partitions of those.
        hashes: of their texts; zero where there is none.
        readable: False for what no lane can read and every lane dead-letters.
    """

    digests: Pairs
    versions: npt.NDArray[np.int64]
    shards: npt.NDArray[np.int16]
    hashes: Pairs
    readable: npt.NDArray[np.bool_]
    seed: int = 0

    def __len__(self) -> int:
        return len(self.versions)

    def find(self, ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Where each id stands; -1 where there is no such document."""
        wanted = _digests([each.encode() for each in ids], self.seed)
        if not len(self):
            return np.full(len(ids), -1, dtype=np.int64)
        high, low = self.digests[:, 0], self.digests[:, 1]
        # Two ids may share the first half of a digest: then look at the next places, too.
        places = np.searchsorted(high, wanted[:, 0], side="left")
        found = np.full(len(ids), -1, dtype=np.int64)
        pending = np.arange(len(ids))
        while len(pending):
            at = places[pending]
            inside = at < len(self)
            pending, at = pending[inside], at[inside]
            same = high[at] == wanted[pending, 0]
            pending, at = pending[same], at[same]
            hit = low[at] == wanted[pending, 1]
            found[pending[hit]] = at[hit]
            pending = pending[~hit]
            places[pending] += 1
        return found

    def hash_at(self, place: int) -> str:
        """The content hash in hexadecimal; empty if the document is unreadable."""
        return self.hashes[place].tobytes().hex() if self.readable[place] else ""


class Noted:
    """Takes the records of `documents`, and keeps the newest of each id.

    Args:
        seed: which sample the first documents are to be.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._digests: list[Pairs] = [np.empty((0, 2), np.uint64)]
        self._columns: list[list[npt.NDArray[Any]]] = [
            [np.empty(0, np.int64)],
            [np.empty(0, np.int16)],
            [np.empty((0, 2), np.uint64)],
            [np.empty(0, np.uint8)],
        ]
        self._sorted = 0
        self._waiting = 0

    def take(self, records: Sequence[LogRecord]) -> None:
        """Take a page; records of one id come in the order of their versions."""
        keyed = [record for record in records if record.key is not None]
        packed, odd = hashes_of([_hash(record.value) for record in keyed])
        kinds = np.where(odd, np.uint8(_UNREADABLE), np.uint8(_READABLE))
        kinds[[place for place, record in enumerate(keyed) if record.value is None]] = _DELETED
        self._digests.append(
            _digests([record.key for record in keyed if record.key is not None], self._seed)
        )
        page: Sequence[npt.NDArray[Any]] = (
            np.array([record.offset for record in keyed], dtype=np.int64),
            np.array([record.partition for record in keyed], dtype=np.int16),
            packed,
            kinds,
        )
        for column, part in zip(self._columns, page, strict=True):
            column.append(part)
        self._waiting += len(keyed)
        if self._waiting >= max(_SORT_AT, self._sorted // 2):
            self._sort()

    def documents(self) -> Documents:
        """What was noted so far."""
        self._sort()
        versions, shards, hashes, kinds = (column[0] for column in self._columns)
        return Documents(self._digests[0], versions, shards, hashes, kinds == _READABLE, self._seed)

    def _sort(self) -> None:
        """Leave the last of each id, in the order of digests.

        One column after the other, so that only one is there twice.
        """
        digests = np.concatenate(self._digests)
        self._digests.clear()
        last = _last_of_each(digests)
        kept = last[np.concatenate(self._columns[-1])[last] != _DELETED]
        del last
        self._digests.append(digests[kept])
        del digests
        for column in self._columns:
            joined = np.concatenate(column)
            column[:] = [joined[kept]]
        self._sorted, self._waiting = len(kept), 0


def _last_of_each(digests: Pairs) -> npt.NDArray[np.int64]:
    """Where each digest stands last, in the order of digests."""
    high, low = digests[:, 0], digests[:, 1]
    # Stable, so that of one digest the last to come is the last here.
    order = np.argsort(high, kind="stable")
    again = high[order[1:]] == high[order[:-1]]
    if (again & (low[order[1:]] != low[order[:-1]])).any():
        order = np.lexsort((low, high))
        again = (high[order[1:]] == high[order[:-1]]) & (low[order[1:]] == low[order[:-1]])
    last = np.ones(len(order), dtype=np.bool_)
    last[:-1] = ~again
    found: npt.NDArray[np.int64] = order[last]
    return found


def hashes_of(found: Sequence[bytes]) -> tuple[Pairs, npt.NDArray[np.bool_]]:
    """Content hashes as rows and records hold them, packed; and which of them are no hashes."""
    odd = np.zeros(len(found), dtype=np.bool_)
    joined = b"".join(found)
    if joined.translate(None, _HEXADECIMAL) or {len(each) for each in found} != {len(_NO_HASH)}:
        whole = [each if _is_hash(each) else _NO_HASH for each in found]
        odd[[place for place, each in enumerate(found) if not _is_hash(each)]] = True
        joined = b"".join(whole)
    return _pairs(unhexlify(joined)), odd


def content_hash_of(value: bytes) -> str:
    """What a record of `documents` says; empty if no lane can read it."""
    found = _parsed_hash(value)
    return found.decode() if _is_hash(found) else ""


def _is_hash(text: bytes) -> bool:
    return len(text) == len(_NO_HASH) and not text.translate(None, _HEXADECIMAL)


def _hash(value: bytes | None) -> bytes:
    """The hash in a record, found without parsing it where it is written as Hotswap writes it.

    A quote within a text is escaped, so the mark can only be the name of a field; if there is but
    one, it is the document's own. Of a record that some other program wrote otherwise, this may be
    wrong; then its row differs and is looked at again, and no wrong row is ever taken for right,
    since the version has to be the same, too.
    """
    if value is None:
        return b""
    at = value.find(_MARK)
    if at > 0 and value.startswith(_HEAD) and value.rfind(_MARK) == at:
        start = at + len(_MARK)
        end = start + len(_NO_HASH)
        if value[end : end + 1] == b'"':
            return value[start:end]
    return _parsed_hash(value)


def _parsed_hash(value: bytes) -> bytes:
    try:
        document = orjson.loads(value)
        known = document.get("schema_version", Record.VERSION) == Record.VERSION
        found: bytes = document["content_hash"].encode()
    except (ValueError, KeyError, TypeError, AttributeError):
        return b""
    return found if known else b""


def _digests(keys: Sequence[bytes], seed: int) -> Pairs:
    salt = seed.to_bytes(8, signed=True)
    return _pairs(
        b"".join([blake2b(key, digest_size=_DIGEST_BYTES, salt=salt).digest() for key in keys])
    )


def _pairs(packed: bytes) -> Pairs:
    return np.frombuffer(packed, dtype=np.uint64).reshape(-1, 2)
