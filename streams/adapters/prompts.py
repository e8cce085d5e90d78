"""What is really sent to a model for a text: the text inside its purpose's template."""

from collections.abc import Sequence
from typing import Protocol

from streams.errors import InputRefused
from streams.ports import Purpose

__all__ = ["Templates", "prompts"]


class Templates(Protocol):
    """Whatever holds a lane's two templates, each with `{text}` exactly once."""

    @property
    def document_template(self) -> str:
        """What surrounds a document."""
        ...

    @property
    def query_template(self) -> str:
        """What surrounds a query."""
        ...


def prompts(texts: Sequence[str], purpose: Purpose, templates: Templates) -> list[str]:
    """Put each text into the template of its purpose.

    By plain replacement, not `str.format`: texts and templates may hold braces of their own.

    Raises:
        InputRefused: a text is empty, or no Unicode. OpenAI refuses the empty text, Ollama
            embeds it in a list but not by itself; here it is the same for all.
    """
    if not all(texts):
        raise InputRefused("a text is empty")
    try:
        "".join(texts).encode()
    except UnicodeEncodeError as error:
        raise InputRefused("a text holds lone surrogates, which UTF-8 can not carry") from error
    template = (
        templates.document_template if purpose is Purpose.DOCUMENT else templates.query_template
    )
    return [template.replace("{text}", text) for text in texts]
