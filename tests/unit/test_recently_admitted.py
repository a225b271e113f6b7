"""Whom a worker remembers to have let in, for how long, and what ends that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from rollbook.metadata import CHANNEL, CLIENT, EXPECT_TENANT, GATEWAY, TENANT, TOLERANCES
from service.domain.connections import Connections
from service.epoch import RIGHTS, SLOTS, Epoch
from service.rpc.gate.authentication import Caller
from service.rpc.gate.recently_admitted import SECONDS, Admitted, Look, RecentlyAdmitted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METADATA = {"authorization": "Bearer rbk_secret", "user-agent": "grpc"}
METHOD = "rollbook.v1.AccessService/CheckAccess"


@pytest.fixture
def epoch(tmp_path: Path) -> Iterator[Epoch]:
    epoch = Epoch.shared(tmp_path, "epoch", SLOTS)
    yield epoch
    epoch.close()


@pytest.fixture
def recently(epoch: Epoch) -> RecentlyAdmitted:
    return RecentlyAdmitted(epoch)


ADMITTED = Admitted(Caller(uuid4(), uuid4(), "billing", frozenset()), Connections(), None)


def look(recently: RecentlyAdmitted, method: str = METHOD, **others: str) -> Look:
    """As if no time went by."""
    found = recently.look(method, {**METADATA, **others})
    assert found is not None
    return found._replace(time=1.0)


def test_a_caller_is_found_again_for_a_moment(recently: RecentlyAdmitted) -> None:
    first = look(recently)
    assert recently.find(first) is None
    recently.keep(first, ADMITTED)
    assert recently.find(look(recently, traceparent="00-1")) == ADMITTED
    assert recently.find(first._replace(time=first.time + SECONDS)) is None


def test_another_method_and_other_credentials_are_somebody_else(
    recently: RecentlyAdmitted,
) -> None:
    recently.keep(look(recently), ADMITTED)
    assert recently.find(look(recently, "rollbook.v1.UserService/GetUser")) is None
    assert recently.find(look(recently, authorization="Bearer rbk_other")) is None


@pytest.mark.parametrize("slot", [0, RIGHTS])
def test_what_is_withdrawn_ends_it_at_once(
    recently: RecentlyAdmitted, epoch: Epoch, slot: int
) -> None:
    before = look(recently)
    recently.keep(before, ADMITTED)
    epoch.advance(slot)
    assert recently.find(look(recently)) is None
    # Decided by what stood before, it is not believed either.
    recently.keep(before, ADMITTED)
    assert recently.find(look(recently)) is None


@pytest.mark.parametrize("name", [CHANNEL, CLIENT, GATEWAY, TOLERANCES, TENANT, EXPECT_TENANT])
def test_calls_for_others_and_for_other_tenants_are_not_remembered(
    recently: RecentlyAdmitted, name: str
) -> None:
    assert recently.look(METHOD, {**METADATA, name: "x"}) is None


def test_calls_without_credentials_are_not_remembered(recently: RecentlyAdmitted) -> None:
    assert recently.look(METHOD, {"user-agent": "grpc"}) is None


@pytest.mark.parametrize(("seconds", "is_kept"), [(30, False), (300, True)])
def test_credentials_that_end_soon_are_looked_at_each_time(
    recently: RecentlyAdmitted, seconds: int, *, is_kept: bool
) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=seconds)
    caller = replace(ADMITTED.caller, expire_time=ends)
    recently.keep(look(recently), ADMITTED._replace(caller=caller))
    assert (recently.find(look(recently)) is not None) is is_kept
