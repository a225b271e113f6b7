"""Clients go by the SCIM connection that they are for: where it lets browsers be sent, whether it
is switched on, and whether it is there at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rollbook.client import RollbookClient
from rollbook.v1.connection_pb2 import Connection
from tests.harness.instance import connect_as_tenant
from tests.harness.oauth import REDIRECT_URI, Browser
from tests.harness.tenants import new_tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.harness.oauth import OAuth

OTHER = "https://idp.example/other"
ORIGIN = "https://idp.example"


@pytest.fixture
async def admin_token(database_url: str, service: str) -> str:
    """An administrator's of a tenant of the test's own."""
    del service
    connection = await connect_as_tenant(database_url)
    token = await new_tenant(connection)
    await connection.close()
    return token


@pytest.fixture
async def rollbook(service: str, admin_token: str) -> AsyncIterator[RollbookClient]:
    async with RollbookClient(service, token=admin_token) as client:
        yield client


@pytest.fixture
async def made(rollbook: RollbookClient) -> Connection:
    return await rollbook.connections.create(
        Connection(name="okta", redirect_uris=[REDIRECT_URI, OTHER])
    )


async def allow(rollbook: RollbookClient, made: Connection, *uris: str) -> None:
    await rollbook.connections.update(Connection(id=made.id, redirect_uris=uris), ["redirect_uris"])


async def enable(rollbook: RollbookClient, made: Connection, *, enabled: bool) -> None:
    await rollbook.connections.update(Connection(id=made.id, enabled=enabled))


async def visited(oauth: OAuth, client: dict[str, Any], **parameters: str) -> str:
    """What comes of a visit: the page to sign in, the error that the client is told, or the status
    of the page that says why nobody is sent anywhere."""
    async with Browser.open(oauth.url) as browser:
        shown = await browser.visit(client, **parameters)
    if shown.status == 303:
        return shown.query["error"]
    return "sign in" if shown.status == 200 else str(shown.status)


async def test_a_narrowed_list_counts_at_once(
    rollbook: RollbookClient, made: Connection, oauth: OAuth, admin_token: str
) -> None:
    client = await oauth.register(
        admin_token, redirect_uris=[REDIRECT_URI, OTHER], connection_id=made.id
    )
    assert await visited(oauth, client) == "sign in"
    async with Browser.open(oauth.url) as browser:
        await browser.visit(client)
        await browser.sign_in(admin_token)
        await allow(rollbook, made, OTHER)
        refused = await browser.submit(action="approve")
        assert (refused.status, "Location" in refused.headers) == (400, False)
    assert await visited(oauth, client) == "400"
    assert await visited(oauth, client, redirect_uri=OTHER) == "sign in"
    await allow(rollbook, made)
    assert await visited(oauth, client) == "sign in"


@pytest.mark.parametrize(
    ("registered", "allowed", "asked", "outcome"),
    [
        ([REDIRECT_URI], [REDIRECT_URI], "", "sign in"),
        ([REDIRECT_URI], [OTHER], "", "400"),
        ([REDIRECT_URI], [REDIRECT_URI + "/"], REDIRECT_URI, "400"),
        ([REDIRECT_URI], [REDIRECT_URI + "?a=b"], REDIRECT_URI, "400"),
        ([REDIRECT_URI], [REDIRECT_URI.upper()], REDIRECT_URI, "400"),
        ([REDIRECT_URI], [ORIGIN], REDIRECT_URI, "sign in"),
        ([REDIRECT_URI], [ORIGIN], OTHER, "400"),
        ([ORIGIN], [ORIGIN], OTHER, "sign in"),
        ([ORIGIN], [OTHER], OTHER, "sign in"),
        ([ORIGIN], [OTHER], REDIRECT_URI, "400"),
        ([ORIGIN], [ORIGIN + ".evil.example"], OTHER, "400"),
        ([ORIGIN], [], OTHER, "sign in"),
    ],
)
async def test_both_lists_have_to_allow_it(
    rollbook: RollbookClient,
    made: Connection,
    oauth: OAuth,
    admin_token: str,
    registered: list[str],
    allowed: list[str],
    asked: str,
    outcome: str,
) -> None:
    await allow(rollbook, made)
    client = await oauth.register(admin_token, redirect_uris=registered, connection_id=made.id)
    await allow(rollbook, made, *allowed)
    assert await visited(oauth, client, redirect_uri=asked) == outcome


async def test_the_default_connection_counts_for_clients_of_none(
    rollbook: RollbookClient, oauth: OAuth, admin_token: str
) -> None:
    client = await oauth.register(admin_token)
    (default,) = await rollbook.connections.list()
    await allow(rollbook, default, OTHER)
    assert await visited(oauth, client) == "400"


async def test_nobody_consents_to_scim_by_a_connection_that_is_off(
    rollbook: RollbookClient, made: Connection, oauth: OAuth, admin_token: str
) -> None:
    client = await oauth.register(
        admin_token, scopes=["scim", "directory.read"], connection_id=made.id
    )
    await enable(rollbook, made, enabled=False)
    assert await visited(oauth, client) == "access_denied"
    assert await visited(oauth, client, scope="directory.read") == "sign in"
    await enable(rollbook, made, enabled=True)
    assert await visited(oauth, client) == "sign in"


async def test_a_connection_goes_on_where_it_was(
    rollbook: RollbookClient, made: Connection, oauth: OAuth, admin_token: str
) -> None:
    client = await oauth.register(admin_token, connection_id=made.id)
    async with Browser.open(oauth.url) as browser:
        await browser.visit(client)
        await browser.sign_in(admin_token)
        code = (await browser.submit(action="approve")).query["code"]
    tokens = (await oauth.redeem(client, code)).json
    await enable(rollbook, made, enabled=False)
    assert await oauth.scim(tokens["access_token"]) == 403
    renewed = (await oauth.refresh(client, tokens["refresh_token"])).json
    assert await oauth.scim(renewed["access_token"]) == 403
    await enable(rollbook, made, enabled=True)
    assert await oauth.scim(renewed["access_token"]) == 200


async def test_a_deleted_connection_takes_its_clients_with_it(
    rollbook: RollbookClient, made: Connection, oauth: OAuth, admin_token: str
) -> None:
    client = await oauth.register(admin_token, connection_id=made.id)
    async with Browser.open(oauth.url) as browser:
        await browser.visit(client)
        await browser.sign_in(admin_token)
        code = (await browser.submit(action="approve")).query["code"]
        unused = (await browser.visit(client), await browser.submit(action="approve"))[1]
    tokens = (await oauth.redeem(client, code)).json
    assert await oauth.scim(tokens["access_token"]) == 200
    await rollbook.connections.delete(made.id)
    assert await oauth.scim(tokens["access_token"]) == 401
    assert await visited(oauth, client) == "400"
    for refused in (
        await oauth.redeem(client, unused.query["code"]),
        await oauth.refresh(client, tokens["refresh_token"]),
    ):
        assert refused.error == "401 invalid_client"
