"""Who gets a new password, or loses it, is signed in nowhere any more; API tokens stay."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

import pytest

from rollbook.client import RollbookClient, replace
from rollbook.v1.user_pb2 import Role, User
from tests.harness.instance import TOKEN
from tests.harness.oauth import Browser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import asyncpg

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


@pytest.fixture
async def rollbook(
    service: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[RollbookClient]:
    del database
    async with RollbookClient(service, token=TOKEN) as client:
        yield client


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
