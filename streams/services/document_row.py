"""A document and its vector as the row that a lane's collection has of it."""

import numpy as np
import numpy.typing as npt

from schemas import Document
from streams.core.batch import Change
from streams.ports import Row

__all__ = ["document_row"]


def document_row(
    change: Change, document: Document, vector: npt.NDArray[np.float32], embedded_at: int
) -> Row:
    """The row, whoever made the vector.

    Args:
        change: where the document stands on `documents`, which is its version.
        document: that of the change.
        vector: of length 1, shape (dimensions,).
        embedded_at: ms since the epoch.
    """
    return Row(
        id=change.id,
        embedding=vector,
        source=document.source,
        key=document.key,
        shard=change.shard,
        version=change.version,
        content_hash=document.content_hash,
        metadata=document.metadata,
        text_bytes=len(document.text.encode()),
        embedded_at=embedded_at,
    )
