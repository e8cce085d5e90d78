"""Contracts: every record that crosses a process boundary, as a validated model.

Nothing here knows Kafka, Milvus or an embedder. A model is the one truth about a
record's shape; the JSON Schemas and the AsyncAPI document beside it are generated.
"""

from schemas.control import BuildStarted, ControlRecord, SourceTruncated, parse_control
from schemas.dead_letter import DeadLetter, Reason
from schemas.document import Document
from schemas.fingerprint import Fingerprint
from schemas.observation import Observation, WorkerReport, WorkerState
from schemas.record import Record, UnknownSchemaVersion
from schemas.verify import Finding, ShardReport, Verdict, VerifyReport, VerifySample

__all__ = [
    "BuildStarted",
    "ControlRecord",
    "DeadLetter",
    "Document",
    "Finding",
    "Fingerprint",
    "Observation",
    "Reason",
    "Record",
    "ShardReport",
    "SourceTruncated",
    "UnknownSchemaVersion",
    "Verdict",
    "VerifyReport",
    "VerifySample",
    "WorkerReport",
    "WorkerState",
    "parse_control",
]
