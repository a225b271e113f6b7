from __future__ import annotations

import pytest

from gateway.scim.dialects import (
    DIALECTS,
    ENTRA,
    LENIENT,
    OKTA,
    STRICT,
    Dialect,
    Reading,
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
def test_a_vendor_gets_the_habits_that_name_it(vendor: str, dialect: Dialect) -> None:
    named = {habit for habit in Tolerance if vendor in habit.value}
    assert named
    assert named <= dialect.tolerances
