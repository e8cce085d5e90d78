"""What an embeddings answer says of the tokens it took: OpenAI's form, or Ollama's."""

from collections.abc import Mapping
from typing import Any

__all__ = ["used_tokens"]


def used_tokens(answer: Mapping[str, Any]) -> int | None:
    """Tokens of all inputs; None if the answer does not say, as where it says none.

    A server that does not count may write 0, and no text takes none.
    """
    usage = answer.get("usage")
    used = (
        usage.get("prompt_tokens") if isinstance(usage, dict) else answer.get("prompt_eval_count")
    )
    return used if isinstance(used, int) and used > 0 else None
