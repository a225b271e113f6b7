"""What principals in memory are taken to need is no less than what they need."""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from rollbook.v1.role_pb2 import RoleCatalogue, RoleType, RoleValue
from service.directory.access.cache import CachedPrincipals
from service.domain.access.graph import Principal
from service.domain.access.revisions import Snapshot
from service.domain.access.role_catalogue import Catalogue, RoleKey
from service.storage.access.graph import Look, given_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


COUNT = 2_000
NOTHING = Snapshot("1:1:", 1, frozenset())
CATALOGUE = Catalogue(
    RoleCatalogue(
        types=[
            RoleType(
                name=f"type_{number}_<name>",
                values=[RoleValue(value=f"v{n}", implies=["v0"]) for n in range(5)],
            )
            for number in range(100)
        ]
    )
)


def _user(number: int, texts: int, until: float | None) -> Principal:
    given = tuple(
        given_of(f"t{number}_{n}".lower(), "own" + "er", until, f"T{number}_{n}", "Owner", f"{n}")
        for n in range(texts)
    )
    return Principal(uuid4(), "User", active=True, groups=(), given=given)


def _group(_number: int) -> Principal:
    groups = tuple(uuid4() for _ in range(10))
    return Principal(uuid4(), "Group", active=True, groups=groups, given=())


@pytest.mark.parametrize(
    "make",
    [
        lambda number: _user(number, 0, None),
        lambda number: _user(number, 10, None),
        lambda number: _user(number, 10, 2e10 + number),
        lambda _: _user(7, 10, None),
        _group,
    ],
    ids=["without roles", "with roles", "with roles that end", "with the same roles", "groups"],
)
def test_principals_need_no_more_than_is_counted(make: Callable[[int], Principal]) -> None:
    principals = CachedPrincipals()

    def fill() -> None:
        found = [make(number) for number in range(COUNT)]
        ids = [each.id for each in found]
        principals.apply(_look(found), ids)
        for identifier in ids:
            if not principals.missing(identifier):
                principals.held(identifier)

    used = _allocated_by(fill)
    assert used <= principals.bytes
    principals.clear()
    assert principals.bytes == 0


def test_a_catalogue_and_what_is_remembered_of_it_count_too() -> None:
    principals = CachedPrincipals()

    def fill() -> None:
        message = RoleCatalogue.FromString(CATALOGUE.message.SerializeToString())
        principals.apply(_look([], Catalogue(message)), [])
        for number in range(COUNT):
            principals.granting(RoleKey(f"type_{number % 100}_scope{number}", "v0"))

    used = _allocated_by(fill)
    assert used <= principals.bytes
    before = principals.bytes
    principals.halve()
    assert principals.bytes < before / 2


def test_half_is_forgotten_of_those_who_were_not_asked_for() -> None:
    principals = CachedPrincipals()
    found = [_user(number, 3, None) for number in range(100)]
    principals.apply(_look(found), [each.id for each in found])
    asked = [each.id for each in found[:10]]
    for identifier in asked:
        principals.held(identifier)
    before = principals.bytes
    principals.halve()
    assert principals.bytes <= before / 2
    assert all(principals.get(identifier) for identifier in asked)


def _look(found: Sequence[Principal], catalogue: Catalogue | None = None) -> Look:
    return Look(NOTHING, -1, catalogue, set(), list(found))


def _allocated_by(work: Callable[[], None]) -> int:
    """How many bytes more there are afterwards."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
