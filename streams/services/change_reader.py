"""Records of `documents` as changes, or the reason why one is none."""

from pydantic import ValidationError

from schemas import Document, Reason, UnknownSchemaVersion
from schemas.document import is_document_id
from streams.core.batch import Change
from streams.ports import LogRecord

__all__ = ["read_change"]


def read_change(record: LogRecord) -> Change | tuple[Reason, str]:
    """A change, or why this record of `documents` is none."""
    id_ = _id(record.key)
    if not isinstance(id_, str):
        return id_
    if record.value is None:
        return Change(id_, record.partition, record.offset, None)
    document = _document(record.value)
    if not isinstance(document, Document):
        return document
    if document.id != id_:
        return Reason.KEY_MISMATCH, f"the key is {id_}, the document says {document.id}"
    return Change(id_, record.partition, record.offset, document)


def _id(key: bytes | None) -> str | tuple[Reason, str]:
    if key is None:
        return Reason.NULL_KEY, "a record of documents must carry the document id as its key"
    id_ = key.decode("ascii", errors="replace")
    if not is_document_id(id_):
        return Reason.NOT_A_DOCUMENT, "the key is not a document id"
    return id_


def _document(value: bytes) -> Document | tuple[Reason, str]:
    try:
        return Document.decode(value)
    except UnknownSchemaVersion as error:
        return Reason.UNKNOWN_SCHEMA_VERSION, str(error)
    except ValidationError as error:
        return Reason.NOT_A_DOCUMENT, str(error.errors(include_url=False, include_input=False)[:3])
