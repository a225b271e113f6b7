"""What the pages refer to is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").glob("*.md"))]
CONFORMANCE: Final = (ROOT / "docs" / "scim.md").read_text("utf-8")

_LINK: Final = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
_TEST: Final = re.compile(r"`((?:unit|property|contract|golden|integration|conformance)/[\w/.]+)`")


def anchors(page: str) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    broken = [link for link in _LINK.findall(text) if not (page.parent / link).exists()]
    assert broken == []
    for link, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)", text):
        target = page.parent / link if link else page
        assert anchor in anchors(target.read_text("utf-8")), f"{link}#{anchor}"


def test_every_page_is_linked_from_another() -> None:
    linked = {
        (page.parent / link).resolve()
        for page in PAGES
        for link in _LINK.findall(page.read_text("utf-8"))
    }
    assert [page.name for page in PAGES if page.parent != ROOT and page not in linked] == []


def test_the_tests_that_show_conformance_exist() -> None:
    named = _TEST.findall(CONFORMANCE)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / "tests" / name).exists()] == []


def test_every_clause_has_a_test() -> None:
    rows = [line for line in CONFORMANCE.splitlines() if re.match(r"\| (RFC|§|—)", line)]
    assert rows
    for row in rows:
        assert _TEST.search(row) or "`integration/extensions`" in row or "not offered" in row, row
