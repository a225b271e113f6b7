"""What the command advises."""

from __future__ import annotations

import pytest

from rollbook.cli.failures import advice
from rollbook.errors import AlreadyExistsError


@pytest.mark.parametrize(
    ("field", "advised"),
    [("userName", True), ("displayName", False), ("pattern", False), ("issuer.audiences", False)],
)
def test_who_has_a_user_name_is_asked_of_users_alone(field: str, *, advised: bool) -> None:
    error = AlreadyExistsError("It is taken.", reason="UNIQUENESS", field=field)
    assert ("rollbook user get" in advice(error)) is advised
