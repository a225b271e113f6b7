"""Who gets a new password, or loses it, is signed in nowhere any more; API tokens stay."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

import argon2
import pytest

from rollbook.client import RollbookClient, replace
from rollbook.v1.user_pb2 import Role, User
from service.rpc.gate.user_passwords import UserPasswords
from tests.harness.instance import TOKEN, running_gateway, running_service
from tests.harness.oauth import Browser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.harness.oauth import OAuth

OLD: Final = "correct horse battery staple"
NEW: Final = "another horse battery staple"
ADMIN: Final = Role(type="account_type", value="admin")
BULK: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SET: Final = {
    "schemas": [PATCH],
    "Operations": [{"op": "replace", "path": "password", "value": NEW}],
}


class Ways:
    """Ways to write a user."""

    def __init__(self, rollbook: RollbookClient, oauth: OAuth, user: User) -> None:
        self.rollbook = rollbook
        self.oauth = oauth
        self.user = user

    async def scim(self, method: str, path: str, body: Any) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = await self.oauth.send(method, f"/scim/v2/{path}", json=body, headers=headers)
        assert answer.status == 200, answer.text

    async def put(self, **values: Any) -> None:
        roles = [{"type": "account_type", "value": "admin"}]
        body = {"userName": self.user.user_name, "roles": roles, **values}
        await self.scim("PUT", f"Users/{self.user.id}", body)

    async def patch(self, body: Any) -> None:
        await self.scim("PATCH", f"Users/{self.user.id}", body)

    async def bulk(self) -> None:
        operation = {"method": "PATCH", "path": f"/Users/{self.user.id}", "data": SET}
        await self.scim("POST", "Bulk", {"schemas": [BULK], "Operations": [operation]})


ENDING: Final[dict[str, Callable[[Ways], Awaitable[object]]]] = {
    "SetPassword": lambda way: way.rollbook.passwords.set(NEW, user_id=way.user.id),
    "removed": lambda way: way.rollbook.passwords.set("", user_id=way.user.id),
    "PUT": lambda way: way.put(password=NEW),
    "PUT of the same": lambda way: way.put(password=OLD),
    "PUT of null": lambda way: way.put(password=None),
    "PATCH": lambda way: way.patch(SET),
    "a bulk": lambda way: way.bulk(),
    "gRPC": lambda way: way.rollbook.users.patch(way.user.id, [replace("password", NEW)]),
}

LEAVING: Final[dict[str, Callable[[Ways], Awaitable[object]]]] = {
    "PUT without a password": lambda way: way.put(displayName="Ada"),
    "another attribute": lambda way: way.rollbook.users.patch(
        way.user.id, [replace("displayName", "Ada")]
    ),
}


@pytest.fixture(scope="module")
async def service(database_url: str) -> AsyncIterator[str]:
    """A service that hashes cheaply."""
    cheap = partial(argon2.PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    with mock.patch("argon2.PasswordHasher", cheap):
        async with running_service(database_url) as address:
            yield address


@pytest.fixture(scope="module")
async def gateway(service: str) -> AsyncIterator[str]:
    async with running_gateway(service) as url:
        yield url


async def is_signed_in(browser: Browser, client: dict[str, Any]) -> bool:
    return 'value="approve"' in (await browser.visit(client)).text


@pytest.mark.parametrize("how", [*ENDING, *LEAVING])
async def test_sign_ins_end_with_the_password(
    how: str, rollbook: RollbookClient, oauth: OAuth
) -> None:
    client = await oauth.register()
    async with AsyncExitStack() as stack:
        browsers = {}
        users = {}
        for name in ("ada", "bob"):
            user = User(user_name=name, password=OLD, roles=[ADMIN])
            users[name] = await rollbook.users.create(user)
            browsers[name] = await stack.enter_async_context(Browser.open(oauth.url))
            await browsers[name].visit(client)
            await browsers[name].submit(action="sign_in", user_name=name, password=OLD)
        own = await rollbook.tokens.create("own", ["admin", "scim"], principal_id=users["ada"].id)
        by_token = await stack.enter_async_context(Browser.open(oauth.url))
        await by_token.visit(client)
        await by_token.sign_in(own.secret)
        tokens = (await oauth.redeem(client, await browsers["ada"].consent(client))).json
        ends = how in ENDING
        await {**ENDING, **LEAVING}[how](Ways(rollbook, oauth, users["ada"]))
        assert await is_signed_in(browsers["ada"], client) is not ends
        assert await is_signed_in(by_token, client) is not ends
        assert await is_signed_in(browsers["bob"], client)
    assert await oauth.scim(own.secret) == 200
    assert await oauth.scim(tokens["access_token"]) == 200
    assert (await oauth.refresh(client, tokens["refresh_token"])).status == 200


@pytest.mark.parametrize("new", [NEW, OLD, ""])
async def test_who_has_shown_the_old_password_meanwhile_is_not_signed_in(
    new: str, rollbook: RollbookClient, oauth: OAuth, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await oauth.register()
    ada = await rollbook.users.create(User(user_name="ada", password=OLD, roles=[ADMIN]))
    verify = UserPasswords.verify

    async def verify_then_change(self: UserPasswords, *args: Any, **options: Any) -> Any:
        user_id = await verify(self, *args, **options)
        assert user_id is not None
        await rollbook.passwords.set(new, user_id=ada.id)
        return user_id

    monkeypatch.setattr(UserPasswords, "verify", verify_then_change)
    async with Browser.open(oauth.url) as browser:
        await browser.visit(client)
        refused = await browser.submit(action="sign_in", user_name="ada", password=OLD)
        assert refused.status == 403
        assert not await is_signed_in(browser, client)
