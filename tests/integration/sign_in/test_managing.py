"""What administrators make of sign-in providers, and what is kept of their secrets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest

from rollbook import errors
from rollbook.client import RollbookClient
from rollbook.v1.sign_in_provider_service_pb2 import SignInProvider, UserMatch
from tests.harness.command import Command
from tests.harness.instance import TOKEN, running_gateway, running_service
from tests.harness.oauth import OAuth
from tests.harness.sign_in import Visitor, asks_for_consent, known, person

if TYPE_CHECKING:
    from pathlib import Path

    import asyncpg

    from tests.harness.openid_provider import OpenIdProvider

SECRET: Final = "the-secret-that-Okta-knows-us-by"
GOOGLE: Final = "https://accounts.google.com"


def okta(**values: Any) -> SignInProvider:
    given = {"name": "okta", "issuer": "https://acme.okta.com", "client_id": "0oa1", **values}
    return SignInProvider(**given)


async def test_a_provider_is_made_read_changed_and_removed(rollbook: RollbookClient) -> None:
    made = await rollbook.sign_in_providers.create(okta(), SECRET)
    assert (made.display_name, made.enabled, made.user_claim) == ("okta", True, "sub")
    assert made.user_match == UserMatch.USER_MATCH_VERIFIED_EMAIL
    assert list(made.algorithms) == ["ES256", "RS256"]
    assert made.has_client_secret
    assert made.redirect_uri == "/oauth2/callback/okta"
    assert await rollbook.sign_in_providers.get(made.id) == made
    assert list(await rollbook.sign_in_providers.list()) == [made]
    changed = await rollbook.sign_in_providers.update(
        SignInProvider(id=made.id, display_name="Acme"), etag=made.etag
    )
    assert (changed.display_name, changed.issuer) == ("Acme", made.issuer)
    with pytest.raises(errors.ConflictError):
        await rollbook.sign_in_providers.delete(made.id, etag=made.etag)
    await rollbook.sign_in_providers.delete(made.id, etag=changed.etag)
    with pytest.raises(errors.NotFoundError):
        await rollbook.sign_in_providers.get(made.id)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "Okta"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": "-a"}, "name"),
        ({"name": "a" * 41}, "name"),
        ({"issuer": ""}, "issuer"),
        ({"issuer": "ftp://acme.okta.com"}, "issuer"),
        ({"issuer": "https://acme.okta.com/?a=b"}, "issuer"),
        ({"issuer": "https://u:p@acme.okta.com"}, "issuer"),
        ({"client_id": ""}, "client_id"),
        ({"client_id": "a\nb"}, "client_id"),
        ({"display_name": "a\u202eb"}, "display_name"),
        ({"display_name": "x" * 101}, "display_name"),
        ({"user_match": 9}, "user_match"),
        ({"user_claim": "x" * 256}, "user_claim"),
        ({"algorithms": ["HS256"]}, "algorithms"),
        ({"algorithms": ["none"]}, "algorithms"),
        ({"required_claims": {"": "x"}}, "required_claims"),
        ({"required_claims": {str(number): "x" for number in range(11)}}, "required_claims"),
        ({"issuer": GOOGLE}, "required_claims"),
        ({"issuer": GOOGLE, "required_claims": {"hd": "acme*"}}, "required_claims"),
    ],
)
async def test_what_is_wrong_is_named(
    values: dict[str, Any], field: str, rollbook: RollbookClient
) -> None:
    made = await rollbook.sign_in_providers.create(okta(name="first"), SECRET)
    with pytest.raises(errors.InvalidRequestError) as caught:
        await rollbook.sign_in_providers.create(okta(**values))
    assert (caught.value.reason, caught.value.field) == ("INVALID_VALUE", field)
    if field != "name":
        with pytest.raises(errors.InvalidRequestError) as caught:
            await rollbook.sign_in_providers.update(
                SignInProvider(id=made.id, **values), list(values), client_secret=""
            )
        assert caught.value.field == field
    assert list(await rollbook.sign_in_providers.list()) == [made]


@pytest.mark.parametrize("secret", ["x" * 1_001, "é", "a\nb", "\0"])
async def test_a_secret_that_is_none_is_not_repeated(secret: str, rollbook: RollbookClient) -> None:
    with pytest.raises(errors.InvalidRequestError) as caught:
        await rollbook.sign_in_providers.create(okta(), secret)
    assert caught.value.field == "client_secret"
    assert secret not in str(caught.value)


async def test_google_is_taken_for_one_organisation(rollbook: RollbookClient) -> None:
    await rollbook.sign_in_providers.create(
        okta(issuer=GOOGLE, required_claims={"hd": "acme.example"})
    )
    by_id = okta(name="by-id", issuer=GOOGLE, user_match=UserMatch.USER_MATCH_EXTERNAL_ID)
    made = await rollbook.sign_in_providers.create(by_id)
    by_email = SignInProvider(id=made.id, user_match=UserMatch.USER_MATCH_VERIFIED_EMAIL)
    with pytest.raises(errors.InvalidRequestError):
        await rollbook.sign_in_providers.update(by_email)


async def test_names_are_unique_and_stay(rollbook: RollbookClient) -> None:
    made = await rollbook.sign_in_providers.create(okta())
    with pytest.raises(errors.AlreadyExistsError):
        await rollbook.sign_in_providers.create(okta())
    with pytest.raises(errors.InvalidRequestError) as caught:
        await rollbook.sign_in_providers.update(okta(id=made.id), ["name"])
    assert caught.value.reason == "INVALID_PATH"


async def test_there_is_an_end_to_their_number_also_at_once(rollbook: RollbookClient) -> None:
    made = await asyncio.gather(
        *(rollbook.sign_in_providers.create(okta(name=f"p{number}")) for number in range(24)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, SignInProvider) for one in made) == 20
    assert len(await rollbook.sign_in_providers.list()) == 20


@pytest.mark.parametrize("meant", [{"issuer": "https://evil.example"}, {"client_id": "evil"}])
async def test_a_secret_is_told_to_nobody_but_whom_it_was_given_for(
    meant: dict[str, Any], rollbook: RollbookClient
) -> None:
    made = await rollbook.sign_in_providers.create(okta(), SECRET)
    other = SignInProvider(id=made.id, **meant)
    with pytest.raises(errors.InvalidRequestError) as caught:
        await rollbook.sign_in_providers.update(other)
    assert caught.value.field == "client_secret"
    without = await rollbook.sign_in_providers.update(other, client_secret="")
    assert not without.has_client_secret
    again = await rollbook.sign_in_providers.update(other, client_secret="another")
    assert again.has_client_secret


async def test_secrets_are_stored_so_that_nobody_can_read_them(
    rollbook: RollbookClient, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    made = await rollbook.sign_in_providers.create(okta(), SECRET)
    twin = await rollbook.sign_in_providers.create(okta(name="twin"), SECRET)
    await rollbook.sign_in_providers.update(
        SignInProvider(id=made.id), client_secret=f"{SECRET} of today"
    )
    rows = await database.fetch("SELECT * FROM sign_in_providers")
    assert rows[0]["client_secret"] != rows[1]["client_secret"]
    changes = await database.fetch("SELECT attributes, message FROM changes ORDER BY revision")
    requests = await database.fetch("SELECT * FROM requests")
    for row in (*rows, *changes, *requests):
        for value in row.values():
            octets = value if isinstance(value, bytes) else str(value).encode()
            assert SECRET.encode() not in octets
    assert changes[-1]["attributes"] == ["client_secret"]
    assert SECRET not in str(await rollbook.sign_in_providers.get(twin.id))


KEYS: Final = ("11" * 32, "22" * 32)


async def test_the_key_is_the_operators(
    rollbook: RollbookClient,
    provider: OpenIdProvider,
    database_url: str,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    """What was encrypted by one goes on with it as a former one, and not without."""
    await person(rollbook)
    for setting, works in (
        (KEYS[0], True),
        (f"{KEYS[1]}, {KEYS[0]}", True),
        (KEYS[1], False),
        ("", False),
    ):
        async with (
            running_service(
                database_url, issuer_reach="local", encryption_key=setting or None
            ) as address,
            running_gateway(address) as scim_url,
            RollbookClient(address, token=TOKEN) as client,
            Visitor.open(scim_url.removesuffix("/scim/v2")) as browser,
        ):
            if not await client.sign_in_providers.list():
                await known(client, provider)
            oauth = OAuth(browser.session, browser.url)
            shown = await browser.sign_in_there(await oauth.register())
            assert asks_for_consent(shown) is works
            assert works or "do not understand each other" in shown.text
    await database.execute("DELETE FROM sign_in_providers")


async def test_a_secret_moved_to_another_row_is_worth_nothing(
    rollbook: RollbookClient,
    oauth: OAuth,
    provider: OpenIdProvider,
    url: str,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    await person(rollbook)
    await known(rollbook, provider)
    await known(rollbook, provider, "x", name="other")
    await database.execute(
        "UPDATE sign_in_providers SET client_secret ="
        " (SELECT client_secret FROM sign_in_providers WHERE name = 'okta')"
    )
    async with Visitor.open(url) as browser:
        client = await oauth.register()
        await browser.visit(client)
        link = next(link for link in browser.buttons if "other" in link)
        back = await browser.get((await browser.get(link)).headers["Location"])
        assert (await browser.come_back(back.headers["Location"])).status == 403


async def test_the_command_asks_for_the_secret_and_never_shows_it(
    rollbook: RollbookClient, address: str, tmp_path: Path
) -> None:
    command = Command(address, TOKEN)
    add = ("sign-in-provider", "add", "okta", "https://acme.okta.com", "0oa1")
    made = await command(*add, "--match", "external-id", "--claim", "oid", stdin=f"{SECRET}\n")
    assert made.exit_code == 0, made.err
    assert "/oauth2/callback/okta" in made.out
    (tmp_path / "secret").write_text(f"{SECRET} of today\n")
    for words in (
        ("list",),
        ("get", "okta"),
        ("update", "okta", "--secret-file", str(tmp_path / "secret")),
        ("update", "okta", "--require", "tid=7", "--display-name", "Acme", "--json"),
        ("update", "okta", "--require", "hd=acme.example"),
        ("update", "okta", "--require-nothing", "--public"),
        ("disable", "okta"),
        ("get", "okta", "--json"),
    ):
        ran = await command("sign-in-provider", *words)
        assert ran.exit_code == 0, ran.err
        assert SECRET not in ran.out + ran.err
    stored = (await rollbook.sign_in_providers.list())[0]
    assert (stored.display_name, stored.enabled, stored.user_claim) == ("Acme", False, "oid")
    assert dict(stored.required_claims) == {}
    assert not stored.has_client_secret
    for words, code in (
        (("update", "okta"), 2),
        (("add", "x", "https://x.example", "x"), 2),
        (("remove", "nope"), 3),
        (("remove", "okta"), 0),
    ):
        assert (await command("sign-in-provider", *words)).exit_code == code
