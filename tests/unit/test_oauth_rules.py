"""Rules of the authorization server that no request is needed for."""

from __future__ import annotations

import pytest

from gateway.handlers.oauth.pages import SCOPE_MEANINGS
from rollbook.oauth import GRANTABLE_SCOPES
from rollbook.tokens import ACCESS_PREFIX, PREFIX, REFRESH_PREFIX, is_well_formed, new_token
from service.directory.oauth.tokens import successor_of
from service.domain.errors import DomainError
from service.domain.oauth.errors import OAuthError
from service.domain.oauth.parameters import MAX_LENGTH, MAX_PARAMETERS, read
from service.domain.oauth.redirect_uris import checked_redirect_uris, matches, origin_of


@pytest.mark.parametrize("prefix", [PREFIX, ACCESS_PREFIX, REFRESH_PREFIX])
def test_every_kind_of_token_has_a_checksum(prefix: str) -> None:
    token = new_token(prefix)
    assert token.startswith(prefix)
    assert is_well_formed(token)
    assert not is_well_formed(token[:-1])


def test_a_refresh_token_has_one_successor_that_only_the_key_tells() -> None:
    token, key = new_token(REFRESH_PREFIX), bytes(32)
    successor = successor_of(token, key)
    assert successor == successor_of(token, key)
    assert is_well_formed(successor)
    others = {successor_of(new_token(REFRESH_PREFIX), key), successor_of(token, bytes(31) + b"1")}
    assert successor not in others


def test_every_scope_that_can_be_consented_to_is_explained() -> None:
    assert set(SCOPE_MEANINGS) == GRANTABLE_SCOPES


@pytest.mark.parametrize(
    ("registered", "uri", "fits"),
    [
        ("https://a.example/cb", "https://a.example/cb", True),
        ("https://a.example/cb", "https://a.example/cb?x=1", False),
        ("https://a.example", "https://a.example/any/path?x=1", True),
        ("https://a.example", "https://A.example/path", True),
        ("https://a.example", "https://b.a.example/path", False),
        ("https://a.example/", "https://a.example/path", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:4711/cb", True),
        ("http://[::1]/cb", "http://[::1]:4711/cb", True),
        ("http://127.0.0.1/cb", "http://127.0.0.1:4711/other", False),
        ("http://127.0.0.1/cb", "https://127.0.0.1:4711/cb", False),
        ("http://a.example/cb", "http://a.example:4711/cb", False),
        ("com.example.app:/cb", "com.example.app:/cb", True),
    ],
)
def test_addresses_match_or_do_not(registered: str, uri: str, *, fits: bool) -> None:
    assert matches([registered], uri) is fits


@pytest.mark.parametrize(
    ("text", "is_public", "stored"),
    [
        ("idp.example", False, "https://idp.example"),
        ("IdP.example", False, "https://idp.example"),
        (" https://idp.example/x ", False, "https://idp.example/x"),
        ("http://system-admin.okta1.com:1802", False, "http://system-admin.okta1.com:1802"),
        ("http://system-admin.okta1.com:1802", True, None),
        ("http://127.0.0.1/x", True, "http://127.0.0.1/x"),
        ("com.example.app:/x", True, "com.example.app:/x"),
        ("com.example.app:/x", False, None),
        ("app:/x", True, None),
    ],
)
def test_what_can_be_registered(text: str, stored: str | None, *, is_public: bool) -> None:
    if stored is None:
        with pytest.raises(DomainError, match="no address"):
            checked_redirect_uris([text], is_public=is_public)
    else:
        assert checked_redirect_uris([text], is_public=is_public) == [stored]


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://a.example/x?y", "https://a.example"),
        ("http://127.0.0.1:80/x", "http://127.0.0.1:80"),
        ("com.example.app:/x", "com.example.app:"),
    ],
)
def test_the_origin_of_an_address(uri: str, origin: str) -> None:
    assert origin_of(uri) == origin


def test_parameters_are_read_once_and_within_limits() -> None:
    found = read([("state", ""), ("scope", "a"), ("x", "1"), ("x", "2"), ("scope", "b")])
    assert (dict(found.values), found.repeated) == ({"scope": "a"}, frozenset({"scope"}))
    with pytest.raises(OAuthError):
        found.once()
    for pairs in (
        [("x", "1")] * (MAX_PARAMETERS + 1),
        [("state", "x" * (MAX_LENGTH + 1))],
        [("state", "a\nb")],
    ):
        with pytest.raises(OAuthError):
            read(pairs)
