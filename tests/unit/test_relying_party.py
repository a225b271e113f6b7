"""How many people a provider is asked about at once, and for how long."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rollbook.v1.sign_in_provider_service_pb2 import SignInProvider
from service.federation import relying_party
from service.federation.documents import Documents
from service.federation.key_sets import KeySets
from service.federation.relying_party import (
    Answered,
    AuthenticationRequest,
    ProviderUnavailableError,
    RelyingParty,
)

PROVIDER = SignInProvider(issuer="https://login.example", client_id="rollbook")
REQUEST = AuthenticationRequest.of(b"key", "state", "https://id.acme.example/oauth2/callback/x")


class Hanging(Documents):
    """Tells where it is, and then answers to nothing."""

    def __init__(self) -> None:
        super().__init__("public")
        self.asked: asyncio.Queue[str] = asyncio.Queue()

    async def fetch(self, url: str, *, authorization: str = "") -> dict[str, Any]:
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        return {
            "issuer": PROVIDER.issuer,
            **{name: f"{PROVIDER.issuer}/{name}" for name in names},
        }

    async def post(self, url: str, form: Any, *, authorization: str = "") -> dict[str, Any]:
        self.asked.put_nowait(url)
        await asyncio.Event().wait()
        raise AssertionError


@pytest.fixture
def hanging() -> Hanging:
    return Hanging()


@pytest.fixture
def party(hanging: Hanging) -> RelyingParty:
    return RelyingParty(hanging, KeySets(hanging))


def coming_back(party: RelyingParty) -> asyncio.Task[Any]:
    return asyncio.create_task(party.identify(PROVIDER, "", REQUEST, Answered("code", "")))


async def test_one_that_hangs_is_given_up(
    party: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relying_party, "SECONDS", 0.01)
    for _ in range(relying_party.MAX_AT_ONCE + 1):
        with pytest.raises(ProviderUnavailableError, match="too long"):
            await coming_back(party)


async def test_not_everybody_waits_for_one_that_hangs(
    party: RelyingParty, hanging: Hanging
) -> None:
    tasks = [coming_back(party) for _ in range(relying_party.MAX_AT_ONCE)]
    for _ in tasks:
        await hanging.asked.get()
    with pytest.raises(ProviderUnavailableError, match="too many"):
        await coming_back(party)
    # Whoever gives up makes room.
    tasks[0].cancel()
    await asyncio.wait(tasks[:1])
    tasks.append(coming_back(party))
    await hanging.asked.get()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)


async def test_nobody_is_asked_without_a_code(party: RelyingParty, hanging: Hanging) -> None:
    with pytest.raises(relying_party.UntrustedAnswerError):
        await party.identify(PROVIDER, "", REQUEST, Answered("", ""))
    assert hanging.asked.empty()
