"""A text stands in its template as it is, whatever braces either holds."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.adapters.prompts import prompts
from streams.errors import InputRefused
from streams.ports import Purpose

TEMPLATES = SimpleNamespace(
    document_template='{"kind": "document", "text": {text}}', query_template="{0} {{ {text}"
)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_everything_around_and_within_the_text_is_kept(text):
    (document,) = prompts([text], Purpose.DOCUMENT, TEMPLATES)
    (query,) = prompts([text], Purpose.QUERY, TEMPLATES)
    assert document == '{"kind": "document", "text": ' + text + "}"
    assert query == "{0} {{ " + text


@pytest.mark.parametrize("text", ["{text}", "{0}", "{{}}", "%s", "\\1"])
def test_a_text_that_looks_like_a_template_is_not_one(text):
    (document,) = prompts([text], Purpose.DOCUMENT, TEMPLATES)
    assert document.count(text) == 1
    assert len(document) == len(TEMPLATES.document_template) - len("{text}") + len(text)


@pytest.mark.parametrize("bad", ["", "\ud800", "good\udfff"])
def test_a_text_that_no_provider_can_take_is_refused(bad):
    with pytest.raises(InputRefused):
        prompts(["good", bad], Purpose.DOCUMENT, TEMPLATES)
