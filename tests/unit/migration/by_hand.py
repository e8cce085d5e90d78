"""Signatures as anybody can make them, from the description alone."""

import hashlib
import hmac
import json
from typing import Any

KEY, OLD, STRANGE = b"k" * 32, b"o" * 32, b"s" * 32


def by_hand(command: dict[str, Any], key: bytes) -> bytes:
    """The signature as anybody can make it, from the description alone."""
    unsigned = {name: value for name, value in command.items() if name != "signature"}
    content = json.dumps(unsigned, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    signature = hmac.new(key, content.encode(), hashlib.sha256).hexdigest()
    return json.dumps({**unsigned, "signature": signature}).encode()
