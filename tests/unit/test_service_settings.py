"""What the service refuses to be told."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from service.settings import Settings


def _with_credentials(username: str, password: str) -> Settings:
    auth = {"type": "basic", "username": username, "password": password}
    return Settings.model_validate({"database_url": "x", "scim": {"auth": auth}})


def test_the_basic_credentials_of_scim_clients_are_read() -> None:
    auth = _with_credentials("determined", "pass:word").scim.auth
    assert auth is not None
    assert (auth.username, auth.password.get_secret_value()) == ("determined", "pass:word")


@pytest.mark.parametrize(
    ("username", "password", "culprit"),
    [
        ("determined", "", "password"),
        ("", "secret", "username"),
        ("deter:mined", "secret", "username"),
    ],
)
def test_credentials_that_protect_nothing_or_cannot_be_sent_are_refused(
    username: str, password: str, culprit: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        _with_credentials(username, password)
    assert [error["loc"] for error in caught.value.errors()] == [("scim", "auth", culprit)]
