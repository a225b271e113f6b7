"""What administrators have consented to: listed, and taken back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from rollbook.client import RollbookClient
from rollbook.errors import InvalidRequestError, NotFoundError, PermissionDeniedError
from rollbook.v1.oauth_service_pb2 import OAuthGrantState
from rollbook.v1.user_pb2 import Role, User
from tests.harness.command import Command
from tests.harness.instance import TOKEN, running_gateway, running_service
from tests.harness.oauth import Browser, OAuth
from tests.harness.tenants import new_tenant

if TYPE_CHECKING:
    import asyncpg

    from rollbook.v1.oauth_service_pb2 import OAuthGrant

PASSWORD = "correct horse battery staple"
UNKNOWN = "019a8c1e-7b5f-7c3a-9d2e-4f6a8b0c1d2e"


async def of_client(rollbook: RollbookClient, client: Any, **asked: Any) -> list[OAuthGrant]:
    return [grant async for grant in rollbook.oauth_grants.list(client_id=client["id"], **asked)]


def state(grant: OAuthGrant) -> str:
    return OAuthGrantState.Name(grant.state).removeprefix("O_AUTH_GRANT_STATE_")


def about(time: Any, after: timedelta = timedelta(0)) -> bool:
    """Whether a time is `after` from now, give or take what a busy machine takes."""
    return bool(abs(time.ToDatetime(UTC) - datetime.now(UTC) - after) < timedelta(minutes=10))


async def test_a_grant_says_who_let_whom_do_what_and_until_when(
    rollbook: RollbookClient, oauth: OAuth
) -> None:
    ada = await rollbook.users.create(
        User(user_name="Ada", password=PASSWORD, roles=[Role(type="account_type", value="admin")])
    )
    client = await oauth.register(name="Okta", scopes=["scim", "directory.read"])
    async with Browser.open(oauth.url) as browser:
        await browser.visit(client, scope="scim")
        await browser.submit(action="sign_in", user_name="ada", password=PASSWORD)
        code = (await browser.submit(action="approve")).query["code"]
    (grant,) = await of_client(rollbook, client)
    assert about(grant.expire_time, timedelta(minutes=1))
    tokens = (await oauth.redeem(client, code)).json
    (grant,) = await of_client(rollbook, client)
    assert (grant.client_name, list(grant.scopes), state(grant)) == ("Okta", ["scim"], "ACTIVE")
    assert (grant.principal_id, grant.granted_by) == (ada.id, "ada")
    assert about(grant.create_time)
    assert about(grant.expire_time, timedelta(days=90))
    assert not grant.HasField("refresh_time")
    assert not grant.HasField("revoke_time")
    await oauth.refresh(client, tokens["refresh_token"])
    (grant,) = await of_client(rollbook, client)
    assert about(grant.refresh_time)
    assert about(grant.expire_time, timedelta(days=90))


async def test_grants_are_listed_by_client_by_person_and_in_pages(
    rollbook: RollbookClient, oauth: OAuth
) -> None:
    admin = Role(type="account_type", value="admin")
    ada = await rollbook.users.create(User(user_name="ada", password=PASSWORD, roles=[admin]))
    first, second = await oauth.register(), await oauth.register()
    for client in (first, first, second, first):
        await oauth.tokens_for(client)
    async with Browser.open(oauth.url) as browser:
        await browser.visit(second)
        await browser.submit(action="sign_in", user_name="ada", password=PASSWORD)
        await browser.submit(action="approve")
    assert len(await of_client(rollbook, first)) == 3
    assert len(await of_client(rollbook, second)) == 2
    (hers,) = [grant async for grant in rollbook.oauth_grants.list(principal_id=ada.id)]
    assert hers.client_id == second["id"]
    assert await of_client(rollbook, first, principal_id=ada.id) == []
    pages = [
        [grant.id for grant in page.grants]
        async for page in rollbook.oauth_grants.list(client_id=first["id"], page_size=2).pages()
    ]
    assert [len(page) for page in pages] == [2, 1]
    ids = [identifier for page in pages for identifier in page]
    assert ids == sorted(ids, reverse=True)
    with pytest.raises(InvalidRequestError):
        await of_client(rollbook, second, page_size=-1)


async def test_a_revoked_grant_has_no_tokens_on_any_worker(
    rollbook: RollbookClient, oauth: OAuth, database_url: str
) -> None:
    client = await oauth.register()
    tokens, kept = await oauth.tokens_for(client), await oauth.tokens_for(client)
    renewed = (await oauth.refresh(client, tokens["refresh_token"])).json
    latest, earliest = await of_client(rollbook, client)
    async with (
        running_service(database_url) as other,
        running_gateway(other) as url,
    ):
        elsewhere = OAuth(oauth.session, url.removesuffix("/scim/v2"))
        for got in (tokens, renewed):
            assert await oauth.scim(got["access_token"]) == 200
            assert await elsewhere.scim(got["access_token"]) == 200
        for _ in range(2):
            await rollbook.oauth_grants.revoke(earliest.id)
        for got in (tokens, renewed):
            assert await elsewhere.scim(got["access_token"]) == 401
            assert await oauth.scim(got["access_token"]) == 401
            refused = await elsewhere.refresh(client, got["refresh_token"])
            assert refused.error == "400 invalid_grant"
        assert await elsewhere.scim(kept["access_token"]) == 200
    assert await of_client(rollbook, client) == [latest]
    revoked = (await of_client(rollbook, client, show_ended=True))[1]
    assert (revoked.id, state(revoked)) == (earliest.id, "REVOKED")
    assert about(revoked.revoke_time)
    assert revoked.expire_time == revoked.revoke_time


async def test_nothing_is_given_while_a_grant_is_taken_back(
    rollbook: RollbookClient, oauth: OAuth
) -> None:
    client = await oauth.register()
    for _ in range(5):
        tokens = await oauth.tokens_for(client)
        (grant,) = await of_client(rollbook, client)
        _, answers = await asyncio.gather(
            rollbook.oauth_grants.revoke(grant.id),
            asyncio.gather(*(oauth.refresh(client, tokens["refresh_token"]) for _ in range(4))),
        )
        for got in (tokens, *(answer.json for answer in answers)):
            if "access_token" in got:
                assert await oauth.scim(got["access_token"]) == 401
                assert (await oauth.refresh(client, got["refresh_token"])).status == 400


async def test_a_code_of_a_revoked_grant_is_good_for_nothing(
    rollbook: RollbookClient, oauth: OAuth
) -> None:
    client = await oauth.register()
    async with Browser.open(oauth.url) as browser:
        code = await browser.consent(client)
    (grant,) = await of_client(rollbook, client)
    await rollbook.oauth_grants.revoke(grant.id)
    assert (await oauth.redeem(client, code)).error == "400 invalid_grant"


async def test_who_took_a_grant_back_is_on_record(
    rollbook: RollbookClient,
    oauth: OAuth,
    service: str,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    client = await oauth.register()
    await oauth.tokens_for(client)
    (grant,) = await of_client(rollbook, client)
    minted = await rollbook.tokens.create("security", ["admin"])
    async with RollbookClient(service, token=minted.secret) as security:
        await security.oauth_grants.revoke(grant.id)
    rows = await database.fetch(
        "SELECT action, actor, attributes FROM changes WHERE resource_id = $1::text::uuid "
        "ORDER BY revision",
        grant.id,
    )
    assert [(row["action"], row["attributes"]) for row in rows] == [
        ("create", ["clientId", "scopes"]),
        ("update", ["revokeTime"]),
    ]
    assert rows[1]["actor"] == "security"


async def test_a_deactivation_that_ends_grants_is_on_record(
    rollbook: RollbookClient, oauth: OAuth, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    admin = Role(type="account_type", value="admin")
    ada = await rollbook.users.create(User(user_name="ada", password=PASSWORD, roles=[admin]))
    client = await oauth.register()
    async with Browser.open(oauth.url) as browser:
        await browser.visit(client)
        await browser.submit(action="sign_in", user_name="ada", password=PASSWORD)
        await oauth.redeem(client, (await browser.submit(action="approve")).query["code"])
    await rollbook.users.deactivate(ada.id)
    (grant,) = await of_client(rollbook, client, show_ended=True)
    assert state(grant) == "REVOKED"
    actions = await database.fetch(
        "SELECT action FROM changes WHERE resource_id = $1::text::uuid ORDER BY revision", grant.id
    )
    assert [row["action"] for row in actions] == ["create", "update"]


async def test_a_grant_that_nobody_redeems_or_refreshes_has_expired(
    rollbook: RollbookClient, oauth: OAuth, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    client = await oauth.register()
    await oauth.tokens_for(client)
    await database.execute(
        "UPDATE oauth_grants SET expire_time = now() FROM oauth_clients AS c "
        "WHERE c.id = oauth_grants.client_id AND c.client_id = $1",
        client["id"],
    )
    assert await of_client(rollbook, client) == []
    (grant,) = await of_client(rollbook, client, show_ended=True)
    assert state(grant) == "EXPIRED"


async def test_what_is_not_there_is_named(rollbook: RollbookClient) -> None:
    for identifier in ("", "x", "\0", UNKNOWN):
        with pytest.raises(NotFoundError) as missing:
            await rollbook.oauth_grants.revoke(identifier)
        assert missing.value.reason == "CREDENTIAL_NOT_FOUND"
    for asked, reason in (
        ({"client_id": "nobody"}, "OAUTH_CLIENT_NOT_FOUND"),
        ({"client_id": "\0"}, "OAUTH_CLIENT_NOT_FOUND"),
        ({"principal_id": "x"}, "USER_NOT_FOUND"),
    ):
        with pytest.raises(NotFoundError) as missing:
            [grant async for grant in rollbook.oauth_grants.list(**asked)]  # type: ignore[arg-type]
        assert missing.value.reason == reason


async def test_grants_are_the_affair_of_the_tenants_administrators(
    rollbook: RollbookClient,
    oauth: OAuth,
    service: str,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    client = await oauth.register()
    await oauth.tokens_for(client)
    (grant,) = await of_client(rollbook, client)
    plain = await rollbook.tokens.create("plain", ["scim", "directory.write", "credentials"])
    async with RollbookClient(service, token=plain.secret) as other:
        with pytest.raises(PermissionDeniedError):
            await other.oauth_grants.revoke(grant.id)
    async with RollbookClient(service, token=await new_tenant(database)) as other:
        assert [each async for each in other.oauth_grants.list(show_ended=True)] == []
        with pytest.raises(NotFoundError):
            await other.oauth_grants.revoke(grant.id)
    assert await of_client(rollbook, client) == [grant]


async def test_the_command_lists_and_revokes(
    rollbook: RollbookClient, oauth: OAuth, service: str
) -> None:
    client = await oauth.register(name="Console")
    await oauth.tokens_for(client)
    (grant,) = await of_client(rollbook, client)
    command = Command(service, TOKEN)
    listed = await command("oauth", "grant", "list", "--client", client["id"], "--json")
    assert grant.id in listed.out
    assert (await command("oauth", "grant", "revoke", grant.id)).exit_code == 0
    listed = await command("oauth", "grant", "list", "--client", client["id"])
    assert grant.id not in listed.out
    listed = await command("oauth", "grant", "list", "--client", client["id"], "--ended")
    assert "revoked" in listed.out
