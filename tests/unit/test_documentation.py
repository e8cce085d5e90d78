"""Pages that list what the code has, list all of it."""

import re
from pathlib import Path

import pytest

from schemas import Reason

ROOT = Path(__file__).parents[2]


def test_every_reason_for_a_dead_letter_has_its_line_of_help():
    page = (ROOT / "ops" / "dead-letters.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [reason.value for reason in Reason]


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("ops/**/*.md")), ids=str
)
def test_every_link_of_a_page_leads_somewhere(page: Path):
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []
