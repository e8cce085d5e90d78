"""Documents and vectors as rows, in the form that pymilvus takes fastest."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas import Document
from streams.adapters.stored_rows import encode_rows
from streams.ports import Row

__all__ = ["encoded_rows"]


def encoded_rows(
    documents: Sequence[Document], vectors: npt.NDArray[np.float32]
) -> list[dict[str, Any]]:
    """The rows that a lane makes of documents; `vectors` has one row for each."""
    rows = [
        Row(
            id=document.id,
            embedding=vector,
            source=document.source,
            key=document.key,
            shard=0,
            version=number,
            content_hash=document.content_hash,
            metadata=document.metadata,
            text_bytes=len(document.text.encode()),
            embedded_at=time.time_ns() // 1_000_000,
        )
        for number, (document, vector) in enumerate(zip(documents, vectors, strict=True))
    ]
    return encode_rows(rows, vectors.shape[1])
