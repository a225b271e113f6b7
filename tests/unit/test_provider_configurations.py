"""What OpenID providers say of themselves: when they are asked, and what is believed."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from service.federation.configurations import (
    PAUSE_SECONDS,
    STALE_SECONDS,
    Configurations,
)
from service.federation.documents import DocumentError, Documents

ISSUER = "https://login.example/tenant"
DOCUMENT: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://login.example/authorize",
    "token_endpoint": "https://login.example/token",
    "jwks_uri": "https://login.example/keys",
}


class Shown(Documents):
    """Shows a configuration as a provider does, or fails when there is none."""

    def __init__(self, document: dict[str, Any] | None) -> None:
        super().__init__("public")
        self.document = document
        self.asked: list[str] = []

    async def fetch(self, url: str, *, authorization: str = "") -> dict[str, Any]:
        self.asked.append(url)
        await asyncio.sleep(0)
        if self.document is None:
            raise DocumentError("not there")
        return self.document


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def test_those_who_come_at_once_wait_for_one_answer_which_is_kept() -> None:
    shown, clock = Shown(DOCUMENT), Clock()
    configurations = Configurations(shown, clock)
    found = await asyncio.gather(*(configurations.find(ISSUER) for _ in range(5)))
    assert len(set(found)) == 1
    assert shown.asked == [f"{ISSUER}/.well-known/openid-configuration"]
    shown.document = None
    clock.now += STALE_SECONDS - 1
    assert await configurations.find(ISSUER) == found[0]
    assert await configurations.find(ISSUER) == found[0]
    assert len(shown.asked) == 2
    clock.now += 2
    with pytest.raises(DocumentError, match="not there"):
        await configurations.find(ISSUER)


async def test_one_in_trouble_is_not_asked_all_the_time() -> None:
    shown, clock = Shown(None), Clock()
    configurations = Configurations(shown, clock)
    for _ in range(3):
        with pytest.raises(DocumentError):
            await configurations.find(ISSUER)
    assert len(shown.asked) == 1
    clock.now += PAUSE_SECONDS + 1
    shown.document = DOCUMENT
    assert (await configurations.find(ISSUER)).token_endpoint == DOCUMENT["token_endpoint"]


async def test_who_gives_up_takes_the_answer_from_nobody() -> None:
    shown = Shown(DOCUMENT)
    configurations = Configurations(shown, Clock())
    one, two = (asyncio.create_task(configurations.find(ISSUER)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    assert (await two).jwks_uri == DOCUMENT["jwks_uri"]
    await configurations.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": f"{ISSUER}/"},
        {"issuer": "https://login.example/{tenantid}"},
        {"issuer": None},
        {"token_endpoint": "http://login.example/token"},
        {"token_endpoint": "https://127.0.0.1/token"},
        {"token_endpoint": ["https://login.example/token"]},
        {"jwks_uri": "https://["},
        {"authorization_endpoint": "https://login.example/a b"},
        {"authorization_endpoint": "https://login.example/ä"},
        {"userinfo_endpoint": "ftp://login.example/"},
    ],
)
async def test_what_is_no_configuration_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DocumentError):
        await Configurations(Shown({**DOCUMENT, **changes}), Clock()).find(ISSUER)


@pytest.mark.parametrize(
    ("methods", "in_form"),
    [
        (None, False),
        (["client_secret_basic", "client_secret_post"], False),
        (["client_secret_post"], True),
        (["private_key_jwt"], False),
        ("client_secret_post", False),
    ],
)
async def test_secrets_go_as_basic_credentials_where_they_can(methods: Any, in_form: bool) -> None:
    document = {**DOCUMENT, "token_endpoint_auth_methods_supported": methods}
    if methods is None:
        del document["token_endpoint_auth_methods_supported"]
    found = await Configurations(cast("Documents", Shown(document)), Clock()).find(ISSUER)
    assert found.secret_in_form is in_form
    assert not found.names_itself
    assert found.user_info_endpoint == ""
