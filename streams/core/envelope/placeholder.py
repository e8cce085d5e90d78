"""Debezium's stand-in for a value that the database did not send.

Postgres leaves unchanged TOASTed columns out of its log (Oracle: LOBs), and the connector
puts a placeholder in their place that looks like text. Decides whether a value is one.
Forms after Debezium's UnchangedToastedPlaceholder; `unavailable.value.placeholder` must be
left at its default.
"""

import base64

__all__ = ["PLACEHOLDER", "PLACEHOLDER_LENGTHS", "is_unavailable"]

PLACEHOLDER = "__debezium_unavailable_value"

_BYTES = PLACEHOLDER.encode()
_UUID = "b68a35a7-17ad-35b3-af2a-ae46edb4545a"
_TEXTS = frozenset(
    {
        PLACEHOLDER,
        base64.b64encode(_BYTES).decode(),  # bytea, as JsonConverter writes bytes
        _BYTES.hex(),  # bytea with binary.handling.mode=hex
        f'{{"{PLACEHOLDER}":"{PLACEHOLDER}"}}',  # hstore as JSON
        _UUID,  # element of uuid[]: the name-based UUID of the placeholder
    }
)
PLACEHOLDER_LENGTHS = frozenset(map(len, _TEXTS))
"""A text of any other length is none."""
_INTEGERS = list(_BYTES)  # integer[], bigint[], date[]


def is_unavailable(value: object) -> bool:
    """Whether a column's value is the placeholder or an array, map or struct that holds it."""
    if isinstance(value, str):
        return len(value) in PLACEHOLDER_LENGTHS and value in _TEXTS
    if isinstance(value, list):
        return value == _INTEGERS or any(isinstance(v, str) and v in _TEXTS for v in value)
    if isinstance(value, dict):
        return any(isinstance(v, str) and v in _TEXTS for v in value.values())
    return False
