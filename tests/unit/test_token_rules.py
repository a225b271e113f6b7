"""What an API token may be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from google.protobuf.duration_pb2 import Duration

from rollbook.access import EVERY_SCOPE, Scope
from rollbook.tokens import hint_of, new_token
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.domain.token_rules import (
    MAX_LIFETIME,
    MAX_NAME,
    MAX_OVERLAP,
    check_not_wider,
    checked_name,
    checked_scopes,
    lifetime_of,
    overlap_of,
)

DAY = 24 * 3600


def _fails(reason: ErrorReason.ValueType, field: str) -> pytest.RaisesExc[DomainError]:
    return pytest.RaisesExc(
        DomainError, check=lambda error: (error.reason, error.field) == (reason, field)
    )


def invalid(field: str) -> pytest.RaisesExc[DomainError]:
    return _fails(ErrorReason.ERROR_REASON_INVALID_VALUE, field)


@pytest.mark.parametrize(
    ("name", "kept"),
    [("okta", "okta"), (" Okta 日本 ", "Okta 日本"), ("x" * MAX_NAME, "x" * MAX_NAME)],
)
def test_a_name_is_for_people(name: str, kept: str) -> None:
    assert checked_name(name) == kept


@pytest.mark.parametrize(
    "name", ["", "  ", "a\0b", "a\nb", "\x1b[2J", "\u202e", "x" * (MAX_NAME + 1)]
)
def test_a_name_that_shows_nothing_or_too_much_is_refused(name: str) -> None:
    with invalid("name"):
        checked_name(name)


def test_scopes_are_read_once_each() -> None:
    assert checked_scopes(["scim", "scim", "admin"]) == {Scope.SCIM, Scope.ADMIN}
    assert checked_scopes([scope.value for scope in Scope]) == EVERY_SCOPE


@pytest.mark.parametrize("names", [[], ["SCIM"], ["scim", "all"], [""], ["*"], ["scim admin"]])
def test_what_is_no_scope_is_refused(names: list[str]) -> None:
    with invalid("scopes") as refused:
        checked_scopes(names)
    assert "directory.read" in refused.value.message


@pytest.mark.parametrize("own", [frozenset(), frozenset({Scope.CREDENTIALS}), EVERY_SCOPE])
def test_nobody_hands_out_what_they_lack(own: frozenset[Scope]) -> None:
    for scopes in (frozenset({scope}) for scope in Scope):
        if scopes <= own:
            check_not_wider(scopes, own)
            continue
        with _fails(ErrorReason.ERROR_REASON_SCOPE_MISSING, "scopes") as refused:
            check_not_wider(scopes, own)
        assert refused.value.metadata == {"scope": ", ".join(scopes)}


@pytest.mark.parametrize(
    ("duration", "length"),
    [
        (Duration(seconds=90 * DAY), timedelta(days=90)),
        (Duration(seconds=1, nanos=500_000_000), timedelta(seconds=1.5)),
        (Duration(seconds=MAX_LIFETIME.days * DAY), MAX_LIFETIME),
    ],
)
def test_a_lifetime_is_read(duration: Duration, length: timedelta) -> None:
    assert lifetime_of(duration) == length


WRONG = [
    Duration(seconds=-1),
    Duration(nanos=-1),
    Duration(nanos=10**9),
    Duration(seconds=2**63 - 1),
    Duration(seconds=-(2**63)),
]


@pytest.mark.parametrize(
    "duration", [*WRONG, Duration(), Duration(seconds=MAX_LIFETIME.days * DAY, nanos=1_000)]
)
def test_a_lifetime_that_cannot_be_is_refused(duration: Duration) -> None:
    with invalid("lifetime"):
        lifetime_of(duration)


def test_an_overlap_may_be_none_at_all() -> None:
    assert overlap_of(Duration()) == timedelta(0)
    assert overlap_of(Duration(seconds=MAX_OVERLAP.days * DAY)) == MAX_OVERLAP


@pytest.mark.parametrize("duration", [*WRONG, Duration(seconds=MAX_OVERLAP.days * DAY + 1)])
def test_an_overlap_that_cannot_be_is_refused(duration: Duration) -> None:
    with invalid("overlap"):
        overlap_of(duration)


def test_a_hint_tells_nothing_of_tokens_that_are_not_ours() -> None:
    token = new_token()
    assert hint_of(token) == token[-4:]
    assert [hint_of(text) for text in (token[:-1], "given", "", "rbk_1234")] == [""] * 4
