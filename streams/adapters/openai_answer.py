"""Reads the body of an embeddings answer of OpenAI or a compatible server.

https://platform.openai.com/docs/api-reference/embeddings/object
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from streams.errors import MalformedVector, TransientError

__all__ = ["read_answer", "vectors_of"]


def read_answer(body: bytes) -> dict[str, Any]:
    """The answer as an object.

    Raises: TransientError if it is no JSON object, such as a proxy's error page.
    """
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        # Servers written in Python may write a bare NaN, which is no JSON but tells us which
        # vector is bad; only the standard library reads it.
        try:
            answer = json.loads(body)
        except ValueError as error:
            raise TransientError(f"the answer is not JSON: {body[:200]!r}") from error
    if not isinstance(answer, dict):
        raise TransientError(f"the answer holds no embeddings: {body[:200]!r}")
    return answer


def vectors_of(answer: Mapping[str, Any], count: int) -> list[object]:
    """The vectors in the order of the inputs, as arrays or lists, not yet checked.

    Items are matched by `index`, not by position. Vectors may be base64 of little-endian
    float32, as asked for, or lists, since not every compatible server knows base64.

    Raises:
        MalformedVector: not one vector for each of `count` inputs.
        TransientError: no embeddings answer at all.
    """
    items = _items(answer)
    if len(items) != count:
        raise MalformedVector(f"asked for {count} vectors, got {len(items)}")
    vectors: list[object] = [None] * count
    for position, item in enumerate(items):
        index = item.get("index", position)
        if not isinstance(index, int) or index not in range(count) or vectors[index] is not None:
            raise MalformedVector(f"vector {position + 1} of {count} has index {index!r}")
        vectors[index] = _vector(item.get("embedding"))
    return vectors


def _items(answer: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    items = answer.get("data")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise TransientError(f"the answer holds no embeddings: {str(answer)[:200]}")
    return items


def _vector(embedding: object) -> object:
    if not isinstance(embedding, str):
        return embedding
    try:
        return np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4")
    except (binascii.Error, ValueError) as error:
        raise TransientError(f"the answer holds broken base64: {error}") from error
