"""Whom a sign-in provider vouches for."""

from __future__ import annotations

from typing import Any

import pytest

from rollbook.v1.sign_in_provider_service_pb2 import SignInProvider, UserMatch
from service.domain.oauth.vouching import Identity, StrangerError, identity_of, needs_user_info
from service.federation.relying_party import AuthenticationRequest

BY_EMAIL = SignInProvider(user_match=UserMatch.USER_MATCH_VERIFIED_EMAIL, user_claim="sub")
BY_ID = SignInProvider(user_match=UserMatch.USER_MATCH_EXTERNAL_ID, user_claim="oid")
ADA = "ada@acme.example"


@pytest.mark.parametrize(
    ("claims", "is_needed"),
    [
        ({"email": ADA, "email_verified": True}, False),
        ({"email": ADA, "email_verified": False}, False),
        ({"email": ADA}, True),
        ({"email_verified": True}, True),
        ({}, True),
    ],
)
def test_user_info_is_asked_for_what_is_missing(claims: dict[str, Any], is_needed: bool) -> None:
    assert needs_user_info(BY_EMAIL, claims) is is_needed
    assert not needs_user_info(BY_ID, claims)


@pytest.mark.parametrize(
    ("claims", "user_info"),
    [
        ({"email": ADA, "email_verified": True}, None),
        ({"email": ADA, "email_verified": "true"}, None),
        ({"email": ADA}, {"email": ADA, "email_verified": True}),
        ({"email": "grace@acme.example"}, {"email": ADA, "email_verified": True}),
    ],
)
def test_a_verified_address_is_somebodys(
    claims: dict[str, Any], user_info: dict[str, Any] | None
) -> None:
    assert identity_of(BY_EMAIL, claims, user_info) == Identity(email=ADA)


@pytest.mark.parametrize(
    ("claims", "user_info"),
    [
        ({"email": ADA}, None),
        ({"email": ADA, "email_verified": False}, None),
        ({"email": ADA, "email_verified": "false"}, None),
        ({"email": ADA, "email_verified": "yes"}, None),
        ({"email": ADA, "email_verified": [True]}, None),
        ({"email": ADA, "email_verified": {}}, None),
        # Neither half of it is the other's.
        ({"email": ADA}, {"email_verified": True}),
        ({"email_verified": True}, {"email": ADA}),
        ({"email": "\uff41da@acme.example", "email_verified": True}, None),
        ({"email": "ada@acme.example\n", "email_verified": True}, None),
        ({"email": "ada", "email_verified": True}, None),
        ({"email": f"{'x' * 255}@acme.example", "email_verified": True}, None),
        ({"email": [ADA], "email_verified": True}, None),
        ({"email_verified": True}, None),
    ],
)
def test_any_other_address_is_nobodys(
    claims: dict[str, Any], user_info: dict[str, Any] | None
) -> None:
    with pytest.raises(StrangerError):
        identity_of(BY_EMAIL, claims, user_info)


@pytest.mark.parametrize("oid", [None, "", 7, ["5b1e"], "a\0b", "x" * 256])
def test_an_id_is_a_text(oid: Any) -> None:
    assert identity_of(BY_ID, {"oid": "5b1e"}, None) == Identity(external_id="5b1e")
    with pytest.raises(StrangerError):
        identity_of(BY_ID, {"sub": "5b1e", "oid": oid}, None)


def test_what_is_required_has_to_be_in_the_id_token() -> None:
    strict = SignInProvider(required_claims={"hd": "acme.example", "groups": "admins"})
    strict.MergeFrom(BY_ID)
    good = {"oid": "5b1e", "hd": "acme.example", "groups": ["staff", "admins"]}
    assert identity_of(strict, good, None).external_id == "5b1e"
    for claims in ({**good, "groups": ["staff"]}, {**good, "hd": None}, {"oid": "5b1e"}):
        with pytest.raises(StrangerError):
            identity_of(strict, claims, good)


def test_what_a_provider_has_to_repeat_follows_from_state_and_key() -> None:
    one = AuthenticationRequest.of(b"key", "state", "https://a.example")
    assert one == AuthenticationRequest.of(b"key", "state", "https://a.example")
    others = [
        AuthenticationRequest.of(b"key", "another", "https://a.example"),
        AuthenticationRequest.of(b"another", "state", "https://a.example"),
    ]
    texts = [text for each in (one, *others) for text in (each.nonce, each.code_verifier)]
    assert len(set(texts)) == len(texts)
    assert all(len(text) == 43 for text in texts)
