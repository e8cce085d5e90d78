"""A row says what its document says, and where that stands."""

import numpy as np

from schemas import Document
from streams.core.batch import Change
from streams.ports import Row
from streams.services.document_row import document_row


def test_the_row_holds_the_document_the_place_the_vector_and_the_time():
    document = Document(
        id="articles/7",
        source="articles",
        key={"id": 7},
        text="café",
        content_hash="c" * 32,
        metadata={"views": 3},
        position="1",
    )
    vector = np.eye(4, dtype=np.float32)[2]
    change = Change(document.id, shard=5, version=70, document=document)
    assert document_row(change, document, vector, embedded_at=1_000) == Row(
        id="articles/7",
        embedding=vector,
        source="articles",
        key={"id": 7},
        shard=5,
        version=70,
        content_hash="c" * 32,
        metadata={"views": 3},
        text_bytes=5,
        embedded_at=1_000,
    )
