"""What is taken of an issuer, changed: by field mask and etag, at once, and by whoever might have
registered it so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest
from aiohttp import ClientSession, DummyCookieJar

from rollbook import errors
from rollbook.access import Scope
from rollbook.client import RollbookClient
from rollbook.v1.issuer_service_pb2 import Issuer, ScopeRule
from tests.harness.command import Command
from tests.harness.instance import TOKEN, running_gateway, running_service
from tests.harness.issuer import FakeIssuer, new_key, running_issuer
from tests.harness.oauth import OAuth
from tests.harness.tenants import new_tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
RULE: Final = ScopeRule(claims={"sub": "work*"}, scopes=["directory.read", "scim"])
UNKNOWN: Final = "019a8c1e-7b5f-7c3a-9d2e-4f6a8b0c1d2e"


@pytest.fixture(scope="module")
async def address(database_url: str) -> AsyncIterator[str]:
    async with running_service(database_url, issuer_reach="local") as address:
        yield address


@pytest.fixture
async def admin(
    address: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[RollbookClient]:
    await database.execute("DELETE FROM issuers")
    async with RollbookClient(address, token=TOKEN) as client:
        yield client


@pytest.fixture
async def issuer() -> AsyncIterator[FakeIssuer]:
    async with running_issuer() as issuer:
        yield issuer


@pytest.fixture
async def made(admin: RollbookClient, issuer: FakeIssuer) -> Issuer:
    return await admin.issuers.create(
        Issuer(name="ci", issuer=issuer.url, audiences=["rollbook"], rules=[RULE])
    )


async def scopes(address: str, token: str) -> list[str]:
    """What a token is good for; the reason when it is refused."""
    async with RollbookClient(address, token=token) as client:
        try:
            return list((await client.tokens.describe_caller()).scopes)
        except errors.RollbookError as error:
            return [error.reason]


async def only(admin: RollbookClient) -> Issuer:
    (found,) = [one async for one in admin.issuers.list()]
    return found


REFUSED: Final = ["CREDENTIALS_INVALID"]


@pytest.mark.parametrize(
    ("changes", "token", "outcome"),
    [
        ({"algorithms": ["RS256"]}, {}, REFUSED),
        ({"algorithms": ["ES256"]}, {}, list(RULE.scopes)),
        ({"audiences": ["other"]}, {}, REFUSED),
        ({"audiences": ["other"]}, {"aud": "other"}, list(RULE.scopes)),
        ({"audiences": ["rollbook", "other"]}, {}, list(RULE.scopes)),
        ({"rules": [ScopeRule(claims={"sub": "x"}, scopes=["scim"])]}, {}, REFUSED),
        ({"rules": [ScopeRule(claims={"sub": "*"}, scopes=["scim"])]}, {}, ["scim"]),
    ],
)
async def test_a_change_counts_at_once(
    admin: RollbookClient,
    address: str,
    issuer: FakeIssuer,
    made: Issuer,
    changes: dict[str, Any],
    token: dict[str, Any],
    outcome: list[str],
) -> None:
    plain = issuer.token()
    assert await scopes(address, plain) == list(RULE.scopes)
    changed = await admin.issuers.update(Issuer(id=made.id, **changes), changes)
    assert changed == await only(admin)
    assert (changed.etag, changed.create_time) == ('W/"2"', made.create_time)
    assert await scopes(address, issuer.token(**token) if token else plain) == outcome
    names = {field.name for field, _ in made.ListFields()} - changes.keys() - {"etag"}
    assert all(getattr(changed, name) == getattr(made, name) for name in names)


async def test_the_mask_says_what_is_replaced(admin: RollbookClient, made: Issuer) -> None:
    given = Issuer(id=made.id, name="new", algorithms=["PS256"], jwks_uri="https://ci.example/keys")
    named = await admin.issuers.update(given, ["name"])
    assert (named.name, named.algorithms, named.jwks_uri) == ("new", made.algorithms, "")
    unmasked = await admin.issuers.update(given)
    assert (list(unmasked.algorithms), unmasked.jwks_uri) == (["PS256"], given.jwks_uri)
    assert unmasked.audiences == made.audiences
    cleared = await admin.issuers.update(Issuer(id=made.id), ["jwks_uri", "algorithms"])
    assert (cleared.jwks_uri, cleared.algorithms) == ("", made.algorithms)
    everything = Issuer(id=made.id, name="all", audiences=["x"], rules=[RULE])
    assert (await admin.issuers.update(everything, ["*"])).audiences == ["x"]


@pytest.mark.parametrize(
    ("changes", "mask", "reason"),
    [
        ({"issuer": "https://other.example"}, ["*"], "INVALID_VALUE"),
        ({"issuer": "https://other.example"}, [], "INVALID_VALUE"),
        ({}, ["issuer"], "INVALID_PATH"),
        ({}, ["nope"], "INVALID_PATH"),
        ({}, ["create_time"], "INVALID_PATH"),
        ({}, ["audiences"], "INVALID_VALUE"),
        ({}, ["rules"], "INVALID_VALUE"),
        ({}, ["name"], "INVALID_VALUE"),
        ({"algorithms": ["HS256"]}, ["algorithms"], "INVALID_VALUE"),
        ({"algorithms": ["none"]}, ["algorithms"], "INVALID_VALUE"),
        ({"rules": [ScopeRule(claims={"a": "b"}, scopes=["no"])]}, ["rules"], "INVALID_VALUE"),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    admin: RollbookClient, made: Issuer, changes: dict[str, Any], mask: list[str], reason: str
) -> None:
    with pytest.raises(errors.InvalidRequestError) as caught:
        await admin.issuers.update(Issuer(id=made.id, **changes), mask)
    assert caught.value.reason == reason
    assert await only(admin) == made


async def test_nobody_changes_what_they_have_not_seen(admin: RollbookClient, made: Issuer) -> None:
    second = await admin.issuers.update(Issuer(id=made.id, name="b"), etag=made.etag)
    with pytest.raises(errors.ConflictError):
        await admin.issuers.update(Issuer(id=made.id, name="c"), etag=made.etag)
    # What is the same already is no change.
    assert await admin.issuers.update(Issuer(id=made.id, name="b"), etag=second.etag) == second
    checked = await admin.issuers.update(Issuer(id=made.id, name="d"), validate_only=True)
    assert (checked.name, (await only(admin)).name) == ("d", "b")


async def test_another_issuer_keeps_its_audience(
    admin: RollbookClient, issuer: FakeIssuer, made: Issuer
) -> None:
    other = Issuer(name="other", issuer=issuer.url, audiences=["other"], rules=[RULE])
    other = await admin.issuers.create(other)
    with pytest.raises(errors.AlreadyExistsError):
        await admin.issuers.update(Issuer(id=made.id, audiences=["rollbook", "other"]))
    assert [one async for one in admin.issuers.list()] == [other, made]


async def test_an_issuer_that_is_not_there_is_named(
    admin: RollbookClient, address: str, made: Issuer, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    for identifier in ("", "x", UNKNOWN):
        with pytest.raises(errors.NotFoundError):
            await admin.issuers.update(Issuer(id=identifier, name="b"))
    async with RollbookClient(address, token=await new_tenant(database)) as stranger:
        with pytest.raises(errors.NotFoundError):
            await stranger.issuers.update(Issuer(id=made.id, name="b"))
    assert await only(admin) == made


@pytest.mark.parametrize(
    ("own", "changes"),
    [
        # An audience that is not the tenant's own.
        (["credentials", "directory.read", "scim"], {"name": "b"}),
        # Rules that give more than one has, whose keys would be one's own.
        (["credentials", "platform", "scim"], {"jwks_uri": "https://evil.example/keys"}),
        (["credentials", "platform", "scim"], {"algorithms": ["RS256"]}),
        (["directory.write", "admin", "scim", "directory.read"], {"name": "b"}),
    ],
)
async def test_it_takes_what_registering_it_would(
    admin: RollbookClient, address: str, made: Issuer, own: list[str], changes: dict[str, Any]
) -> None:
    token = await admin.tokens.create("lesser", own)
    async with RollbookClient(address, token=token.secret) as lesser:
        with pytest.raises(errors.PermissionDeniedError) as caught:
            await lesser.issuers.update(Issuer(id=made.id, **changes), changes)
    assert caught.value.reason == "SCOPE_MISSING"
    assert await only(admin) == made


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [({"name": "b"}, ["scim"]), ({"audiences": ["rollbook", "b"]}, REFUSED)],
)
async def test_what_was_exchanged_ends_unless_only_the_name_changes(
    admin: RollbookClient,
    address: str,
    issuer: FakeIssuer,
    made: Issuer,
    changes: dict[str, Any],
    outcome: list[str],
) -> None:
    async with (
        running_gateway(address) as url,
        ClientSession(cookie_jar=DummyCookieJar()) as session,
    ):
        oauth = OAuth(session, url.removesuffix("/scim/v2"))
        form = {"grant_type": JWT_BEARER, "assertion": issuer.token(), "scope": "scim"}
        got = (await oauth.send("POST", "/oauth2/token", data=form)).json["access_token"]
        assert await scopes(address, got) == ["scim"]
        await admin.issuers.update(Issuer(id=made.id, **changes), changes)
        assert await scopes(address, got) == outcome
        assert (await oauth.send("POST", "/oauth2/token", data=form)).status == 200


async def test_what_is_exchanged_meanwhile_is_not_good_for_what_was(
    admin: RollbookClient, address: str, issuer: FakeIssuer, made: Issuer
) -> None:
    narrow = ScopeRule(claims=RULE.claims, scopes=["scim"])
    async with (
        running_gateway(address) as url,
        ClientSession(cookie_jar=DummyCookieJar()) as session,
    ):
        oauth = OAuth(session, url.removesuffix("/scim/v2"))
        form = {"grant_type": JWT_BEARER, "assertion": issuer.token()}
        for _ in range(5):
            answers, _ = await asyncio.gather(
                asyncio.gather(*(oauth.send("POST", "/oauth2/token", data=form) for _ in range(5))),
                admin.issuers.update(Issuer(id=made.id, rules=[narrow])),
            )
            for answer in answers:
                if answer.status == 200:
                    assert await scopes(address, answer.json["access_token"]) in (REFUSED, ["scim"])
            await admin.issuers.update(Issuer(id=made.id, rules=[RULE]))


async def test_changes_are_on_record(
    admin: RollbookClient, made: Issuer, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    await admin.issuers.update(Issuer(id=made.id, name="b", algorithms=["ES256"]))
    await admin.issuers.delete(made.id)
    rows = await database.fetch(
        "SELECT action, version, attributes FROM changes WHERE resource_id = $1::text::uuid "
        "ORDER BY revision",
        made.id,
    )
    assert [tuple(row) for row in rows] == [
        ("create", 1, ["name", "issuer", "audiences", "rules"]),
        ("update", 2, ["name", "algorithms"]),
        ("delete", 3, []),
    ]


async def test_new_keys_are_fetched_where_they_are_said_to_be(
    admin: RollbookClient, address: str, issuer: FakeIssuer, made: Issuer
) -> None:
    async with running_issuer() as elsewhere:
        elsewhere.keys = {"two": new_key("ES256", "two")}
        elsewhere.publish()
        issuer.keys["two"] = elsewhere.keys["two"]
        assert await scopes(address, issuer.token(key_id="two")) == REFUSED
        await admin.issuers.update(Issuer(id=made.id, jwks_uri=f"{elsewhere.url}/keys"))
        assert await scopes(address, issuer.token(key_id="two")) == list(RULE.scopes)
        assert await scopes(address, issuer.token()) == REFUSED


async def test_the_command_changes_what_is_given(
    admin: RollbookClient, address: str, made: Issuer
) -> None:
    rollbook = Command(address, TOKEN)

    async def run(*words: str) -> int:
        return (await rollbook("issuer", "update", "ci", *words)).exit_code

    assert await run("--algorithm", "ES256", "--max-lifetime", "15m", "--jwks-uri", "") == 0
    found = await only(admin)
    assert (list(found.algorithms), found.max_lifetime.seconds) == (["ES256"], 900)
    assert (found.audiences, list(found.rules)) == (made.audiences, [RULE])
    assert await run("--scope", "scim") == 0
    assert list((await only(admin)).rules) == [ScopeRule(claims=RULE.claims, scopes=["scim"])]
    assert await run("--claim", "sub=a", "--claim", "ref=main") == 0
    rule = ScopeRule(claims={"sub": "a", "ref": "main"}, scopes=["scim"])
    assert list((await only(admin)).rules) == [rule]
    assert await run() == 2
    await admin.issuers.update(Issuer(id=made.id, rules=[rule, RULE]))
    assert await run("--scope", Scope.SCIM) == 2
    assert len((await only(admin)).rules) == 2
    assert await run("--scope", Scope.SCIM, "--claim", "sub=b", "--rename", "ci2") == 0
    assert ((await only(admin)).name, len((await only(admin)).rules)) == ("ci2", 1)
