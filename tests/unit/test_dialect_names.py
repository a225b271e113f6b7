"""The dialects that connections may name are those that the gateway has."""

from __future__ import annotations

from gateway.scim.dialects import DIALECTS
from rollbook.dialects import DIALECT_NAMES


def test_service_and_gateway_know_the_same_dialects() -> None:
    assert tuple(DIALECTS) == DIALECT_NAMES
