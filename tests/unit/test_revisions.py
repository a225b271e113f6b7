"""Revisions: read by whoever has the key, in their own tenant alone, and by nobody else."""

from __future__ import annotations

from uuid import uuid4

import pytest

from service.domain.access.revisions import Revisions
from service.domain.errors import DomainError

KEY = bytes(range(32))
TENANT = uuid4()
REVISIONS = Revisions(KEY)


@pytest.mark.parametrize("transaction_id", [0, 1, 755, 2**32, 2**64 - 1])
def test_a_revision_names_its_transaction(transaction_id: int) -> None:
    revision = REVISIONS.of(TENANT, transaction_id)
    assert Revisions(KEY).transaction_of(TENANT, revision) == transaction_id
    assert revision.isascii()


def test_no_revision_asks_for_nothing() -> None:
    assert REVISIONS.transaction_of(TENANT, "") is None


def test_revisions_do_not_show_how_many_transactions_are_between_them() -> None:
    first, *others = [REVISIONS.of(TENANT, number).removeprefix("r2-") for number in range(100)]
    assert len({first, *others}) == 100
    for other in others:
        assert sum(map(str.__eq__, first, other)) < len(first) // 2


def test_the_revision_of_one_tenant_is_none_of_another() -> None:
    _refused(REVISIONS.of(uuid4(), 755))


def test_the_revision_of_another_database_is_none_of_this() -> None:
    _refused(Revisions(bytes(32)).of(TENANT, 755))


def test_no_character_of_a_revision_can_be_changed() -> None:
    revision = REVISIONS.of(TENANT, 755)
    for place, letter in enumerate(revision):
        _refused(revision[:place] + ("A" if letter != "A" else "B") + revision[place + 1 :])


@pytest.mark.parametrize(
    "revision",
    ["x", "r1-2f3", "r2-", "r2-" + "A" * 32, "r2-" + "ä" * 32, "r2-" + "=" * 32, "x" * 9999],
)
def test_anything_else_is_refused(revision: str) -> None:
    _refused(revision)


def _refused(revision: str) -> None:
    with pytest.raises(DomainError) as caught:
        REVISIONS.transaction_of(TENANT, revision)
    assert caught.value.field == "at_least_as_fresh"
