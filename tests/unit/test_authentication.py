"""How long a credential is believed, and which ones the database is not asked for."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from rollbook.access import Scope
from rollbook.tokens import new_token
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.epoch import SLOTS, Epoch
from service.rpc.gate.attempts import PAIR_LIMIT, WORDS, Attempts
from service.rpc.gate.authentication import CACHE_SECONDS, Authenticator
from service.rpc.gate.passwords import Passwords
from service.shared_memory import SharedWords
from service.storage import credentials
from service.storage.credentials import Credential
from service.storage.database import NO_TENANT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

TENANT = UUID(int=1)
STORED = "a hash"


def credential(seconds_left: float | None = None, password_hash: str | None = None) -> Credential:
    return Credential(
        tenant_id=TENANT,
        id=UUID(int=2),
        name="okta",
        scopes=frozenset({Scope.SCIM}),
        expire_time=None if seconds_left is None else datetime.now(UTC),
        seconds_left=seconds_left,
        noted_this_minute=False,
        password_hash=password_hash,
    )


def _nothing() -> None:
    """What happens while the database answers, unless a test says."""


class Rows:
    """A database that holds what a test says and counts what it is asked."""

    def __init__(self) -> None:
        self.tokens: dict[bytes, Credential] = {}
        self.user_names: dict[str, Credential] = {}
        self.asked = 0
        self.meanwhile: Callable[[], None] = _nothing

    @asynccontextmanager
    async def connection(self, tenant_id: UUID) -> AsyncIterator[Rows]:
        del tenant_id
        yield self

    def across_tenants(self) -> AbstractAsyncContextManager[Rows]:
        return self.connection(NO_TENANT)

    async def tenant_of_token(self, _: Any, digest: bytes) -> UUID | None:
        self.asked += 1
        return TENANT if digest in self.tokens else None

    async def by_token_hash(self, _: Any, __: UUID, digest: bytes) -> Credential | None:
        found = self.tokens.get(digest)
        self.meanwhile()
        return found

    async def by_user_name(self, _: Any, __: UUID, user_name: str) -> Credential | None:
        self.asked += 1
        return self.user_names.get(user_name)

    def hold(self, token: str, held: Credential) -> None:
        self.tokens[hashlib.sha256(token.encode()).digest()] = held


class Hasher:
    """Takes every password that begins with `right`."""

    def __init__(self) -> None:
        self.checked = 0

    async def verify(self, stored: str | None, password: str) -> bool:
        self.checked += 1
        await asyncio.sleep(0.01)
        return stored is not None and password.startswith("right")


class Noted(list[Credential]):
    """Uses that were noted."""

    note = list.append


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("service.rpc.gate.authentication.time", SimpleNamespace(monotonic=clock))
    return clock


@pytest.fixture
def epoch(tmp_path: Path) -> Iterator[Epoch]:
    epoch = Epoch.shared(tmp_path, "x", SLOTS)
    yield epoch
    epoch.close()


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Rows:
    rows = Rows()
    monkeypatch.setattr(credentials, "tenant_of_token", rows.tenant_of_token)
    monkeypatch.setattr(credentials, "by_token_hash", rows.by_token_hash)
    monkeypatch.setattr(credentials, "by_user_name", rows.by_user_name)
    return rows


@pytest.fixture
def hasher() -> Hasher:
    return Hasher()


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
def authenticator(
    rows: Rows, epoch: Epoch, hasher: Hasher, noted: Noted, tmp_path: Path
) -> Iterator[Authenticator]:
    memory = SharedWords.shared(tmp_path, "attempts", WORDS)
    for_passwords: Any = (rows, hasher, Attempts(memory, "Basic"))
    parts: Any = (rows, epoch, Passwords(*for_passwords), noted)
    yield Authenticator(*parts)
    memory.close()


async def outcome(authenticator: Authenticator, header: str, client: str = "192.0.2.1") -> str:
    """The name of the caller, or the reason of the refusal."""
    try:
        caller = await authenticator.authenticate({"authorization": header}, lambda: client)
    except DomainError as error:
        return ErrorReason.Name(error.reason).removeprefix("ERROR_REASON_")
    return caller.name


def basic(user_name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user_name}:{password}".encode()).decode()


async def test_the_database_is_asked_once_a_second(
    authenticator: Authenticator, rows: Rows, clock: Clock, noted: Noted
) -> None:
    token = new_token()
    rows.hold(token, credential())
    for now, asked in ((0, 1), (0.5, 1), (CACHE_SECONDS - 0.01, 1), (CACHE_SECONDS, 2)):
        clock.now = 100 + now
        assert await outcome(authenticator, token) == "okta"
        assert (rows.asked, len(noted)) == (asked, asked)


async def test_what_was_revoked_on_this_machine_is_asked_for_at_once(
    authenticator: Authenticator, rows: Rows, epoch: Epoch
) -> None:
    token = new_token()
    rows.hold(token, credential())
    assert await outcome(authenticator, token) == "okta"
    rows.tokens.clear()
    assert await outcome(authenticator, token) == "okta"
    epoch.advance()
    assert await outcome(authenticator, token) == "CREDENTIALS_INVALID"


async def test_what_is_revoked_while_the_database_answers_is_not_believed_for_longer(
    authenticator: Authenticator, rows: Rows, epoch: Epoch
) -> None:
    token = new_token()
    rows.hold(token, credential())

    def revoke() -> None:
        rows.tokens.clear()
        epoch.advance()

    rows.meanwhile = revoke
    # This call began before; the next one does not.
    assert await outcome(authenticator, token) == "okta"
    assert await outcome(authenticator, token) == "CREDENTIALS_INVALID"


async def test_a_slow_answer_is_believed_from_when_it_was_asked_for(
    authenticator: Authenticator, rows: Rows, clock: Clock
) -> None:
    token = new_token()
    rows.hold(token, credential())

    def slowly() -> None:
        clock.now += 0.8

    rows.meanwhile = slowly
    await outcome(authenticator, token)
    clock.now += 0.3
    await outcome(authenticator, token)
    assert rows.asked == 2


async def test_a_credential_is_not_believed_beyond_its_end(
    authenticator: Authenticator, rows: Rows, clock: Clock
) -> None:
    token = new_token()
    rows.hold(token, credential(seconds_left=0.25))
    await outcome(authenticator, token)
    clock.now += 0.24
    await outcome(authenticator, token)
    assert rows.asked == 1
    clock.now += 0.01
    await outcome(authenticator, token)
    assert rows.asked == 2


@pytest.mark.parametrize("length", range(4, 53))
async def test_the_database_is_not_asked_for_a_part_of_a_token(
    authenticator: Authenticator, rows: Rows, length: int
) -> None:
    assert await outcome(authenticator, f"Bearer {new_token()[:length]}") == "CREDENTIALS_INVALID"
    assert rows.asked == 0


async def test_tokens_from_settings_may_have_any_form(
    rows: Rows, epoch: Epoch, noted: Noted
) -> None:
    configured = "rbk_of-my-own-making"
    rows.hold(configured, credential())
    parts: Any = (rows, epoch, None, noted)
    assert await outcome(Authenticator(*parts), configured) == "CREDENTIALS_INVALID"
    parts = (*parts, frozenset(rows.tokens))
    assert await outcome(Authenticator(*parts), configured) == "okta"


async def test_refusals_are_not_kept(authenticator: Authenticator, rows: Rows) -> None:
    token = new_token()
    assert await outcome(authenticator, token) == "CREDENTIALS_INVALID"
    rows.hold(token, credential())
    assert await outcome(authenticator, token) == "okta"


async def test_a_right_password_costs_its_work_once(
    authenticator: Authenticator, rows: Rows, hasher: Hasher, epoch: Epoch
) -> None:
    rows.user_names["idp"] = credential(password_hash=STORED)
    for _ in range(3):
        assert await outcome(authenticator, basic("idp", "right")) == "okta"
        epoch.advance()
    assert (hasher.checked, rows.asked) == (1, 3)
    rows.user_names["idp"] = credential(password_hash="another hash")
    assert await outcome(authenticator, basic("idp", "right")) == "okta"
    assert hasher.checked == 2
    del rows.user_names["idp"]
    epoch.advance()
    assert await outcome(authenticator, basic("idp", "right")) == "CREDENTIALS_INVALID"


async def test_one_password_is_checked_once_at_a_time(
    authenticator: Authenticator, rows: Rows, hasher: Hasher
) -> None:
    rows.user_names["idp"] = credential(password_hash=STORED)
    for password, expected in (("right", "okta"), ("wrong", "CREDENTIALS_INVALID")):
        before = hasher.checked
        calls = (outcome(authenticator, basic("idp", password)) for _ in range(50))
        assert set(await asyncio.gather(*calls)) == {expected}
        assert hasher.checked == before + 1


async def test_a_call_given_up_takes_the_check_from_nobody(
    authenticator: Authenticator, rows: Rows, hasher: Hasher
) -> None:
    rows.user_names["idp"] = credential(password_hash=STORED)
    calls = [asyncio.ensure_future(outcome(authenticator, basic("idp", "right"))) for _ in range(2)]
    await asyncio.sleep(0.001)
    calls[0].cancel()
    assert await calls[1] == "okta"
    assert hasher.checked == 1


@pytest.mark.parametrize("user_name", ["idp", "nobody"])
async def test_guesses_are_limited_whoever_is_there(
    authenticator: Authenticator, rows: Rows, user_name: str
) -> None:
    rows.user_names["idp"] = credential(password_hash=STORED)
    got = [
        await outcome(authenticator, basic(user_name, f"wrong {n}")) for n in range(PAIR_LIMIT + 1)
    ]
    assert got == ["CREDENTIALS_INVALID"] * PAIR_LIMIT + ["RATE_LIMITED"]
    assert await outcome(authenticator, basic("idp", "right"), "192.0.2.2") == "okta"


async def test_right_passwords_are_not_guesses(authenticator: Authenticator, rows: Rows) -> None:
    rows.user_names["idp"] = credential(password_hash=STORED)
    for number in range(3 * PAIR_LIMIT):
        assert await outcome(authenticator, basic("idp", f"right {number}")) == "okta"
