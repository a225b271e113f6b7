"""Which habits are accepted where, and that docs/dialects.md says so."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from gateway.scim.dialects import (
    DIALECTS,
    ENTRA,
    LENIENT,
    OKTA,
    STRICT,
    URN_ALIASES,
    Dialect,
    Reading,
    Restriction,
    Tolerance,
)


def test_a_reading_remembers_what_it_tolerated() -> None:
    reading = Reading(OKTA)
    assert reading.tolerates(Tolerance.READ_ONLY_IN_VALUE)
    assert not reading.tolerates(Tolerance.STRING_BOOLEAN)
    assert reading.met == {Tolerance.READ_ONLY_IN_VALUE}


def test_asking_a_dialect_leaves_no_trace() -> None:
    reading = Reading(LENIENT)
    assert reading.dialect.grants(Tolerance.VALUE_PATH_CREATES)
    assert reading.met == set()


def test_dialects_go_from_everything_to_nothing() -> None:
    assert LENIENT.tolerances == frozenset(Tolerance)
    assert STRICT.tolerances == frozenset()
    assert STRICT.tolerances < OKTA.tolerances < LENIENT.tolerances
    assert STRICT.tolerances < ENTRA.tolerances < LENIENT.tolerances


def test_dialects_are_found_by_name() -> None:
    assert {name: dialect.name for name, dialect in DIALECTS.items()} == {
        name: name for name in ("lenient", "okta", "entra", "strict")
    }


@pytest.mark.parametrize("habit", Tolerance, ids=lambda habit: habit.name)
def test_every_habit_is_explained_in_a_sentence(habit: Tolerance) -> None:
    assert habit.value[0].isupper()
    assert habit.value.endswith((".", "…"))
    assert len(habit.value.split()) > 4


@pytest.mark.parametrize(("vendor", "dialect"), [("Okta", OKTA), ("Entra ID", ENTRA)])
def test_a_vendor_gets_the_habits_that_name_it_or_its_mappings_and_no_others(
    vendor: str, dialect: Dialect
) -> None:
    named = {
        habit for habit in Tolerance if vendor in habit.value or re.search(r"\bmap", habit.value)
    }
    assert dialect.tolerances == named


def test_the_page_for_administrators_says_what_the_code_does() -> None:
    rows = [
        f"| `{habit.name}` | {habit.value} | "
        + " | ".join("yes" if habit in each.tolerances else "" for each in DIALECTS.values())
        + " |"
        for habit in Tolerance
    ]
    assert table_rows(after=f"| Habit | Reason | {' | '.join(DIALECTS)} |") == rows
    restrictions = [f"| `{each.name}` | {each.value} |" for each in Restriction]
    assert table_rows(after="| Refused unless | |") == restrictions
    aliases = [f"| `{urn}` | {f'`{meant}`' if meant else CORE} |" for urn, meant in ALIASES]
    assert table_rows(after="| Sent | Meant |") == aliases


CORE = "the core schema of the resource"
ALIASES = URN_ALIASES.items()
PAGE = (Path(__file__).parents[2] / "docs" / "dialects.md").read_text("utf-8")


def table_rows(*, after: str) -> list[str]:
    """The rows of the table in the page that has this head."""
    lines = PAGE.splitlines()
    start = lines.index(after) + 2
    return list(itertools.takewhile(lambda line: line.startswith("|"), lines[start:]))
