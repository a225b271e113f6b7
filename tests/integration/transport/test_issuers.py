"""Tokens of other issuers as credentials, over real gRPC and HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from rollbook import errors
from rollbook.access import Scope
from rollbook.client import RollbookClient
from rollbook.v1.issuer_service_pb2 import Issuer, ScopeRule
from rollbook.v1.user_pb2 import User
from tests.harness.command import Command
from tests.harness.instance import TOKEN, running_gateway, running_service
from tests.harness.issuer import FakeIssuer, b64, new_key, running_issuer
from tests.harness.processes import service_process
from tests.harness.tenants import new_tenant, tenant_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import asyncpg


@pytest.fixture(scope="module")
async def address(database_url: str) -> AsyncIterator[str]:
    async with running_service(database_url, issuer_reach="local") as address:
        yield address


@pytest.fixture
async def issuer() -> AsyncIterator[FakeIssuer]:
    async with running_issuer() as issuer:
        yield issuer


@pytest.fixture
async def admin(
    address: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[RollbookClient]:
    await database.execute("DELETE FROM issuers")
    async with RollbookClient(address, token=TOKEN) as client:
        yield client


def trusted(issuer: FakeIssuer, /, **changes: Any) -> Issuer:
    given: dict[str, Any] = {
        "name": "ci",
        "issuer": issuer.url,
        "audiences": ["rollbook"],
        "rules": [ScopeRule(claims={"sub": "work*"}, scopes=["directory.read", "scim"])],
        **changes,
    }
    return Issuer(**given)


async def outcome(address: str, token: str) -> str:
    """Whom a token is taken for; the reason when it is refused."""
    async with RollbookClient(address, token=token) as client:
        try:
            return (await client.tokens.describe_caller()).name
        except errors.RollbookError as error:
            return error.reason


async def test_a_token_is_let_in_as_its_subject_until_it_expires(
    admin: RollbookClient,
    address: str,
    issuer: FakeIssuer,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    rule = ScopeRule(claims={"sub": "workload"}, scopes=["directory.write"])
    made = await admin.issuers.create(trusted(issuer, rules=[rule]))
    assert list(made.algorithms) == ["ES256", "RS256"]
    token = issuer.token()
    async with RollbookClient(address, token=token) as workload:
        caller = await workload.tokens.describe_caller()
        assert (caller.name, list(caller.scopes)) == ("ci: workload", ["directory.write"])
        assert abs(caller.expire_time.seconds - time.time() - 300) < 30
        await workload.users.create(User(user_name="ada"))
        with pytest.raises(errors.PermissionDeniedError):
            await workload.tokens.create("x", ["scim"])
    rows = await database.fetch("SELECT actor, resource_type FROM changes ORDER BY revision")
    assert [tuple(row) for row in rows] == [("bootstrap", "Issuer"), ("ci: workload", "User")]


@pytest.mark.parametrize(
    "algorithm",
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"],
)
async def test_every_algorithm_with_a_public_key_is_taken_where_it_is_trusted(
    algorithm: str, admin: RollbookClient, address: str, issuer: FakeIssuer
) -> None:
    issuer.keys["two"] = new_key(algorithm, "two")
    issuer.publish()
    token = issuer.token(key_id="two", algorithm=algorithm)
    made = await admin.issuers.create(trusted(issuer, algorithms=[algorithm]))
    assert await outcome(address, token) == "ci: workload"
    await admin.issuers.delete(made.id)
    other = "ES256" if algorithm != "ES256" else "RS256"
    await admin.issuers.create(trusted(issuer, algorithms=[other]))
    assert await outcome(address, token) == "CREDENTIALS_INVALID"


def unsigned(issuer: FakeIssuer, algorithm: str = "none", signature: str = "eA") -> str:
    head = {"alg": algorithm, "kid": "one"}
    return f"{b64(head)}.{b64(issuer.claims())}.{signature}"


def with_public_key_as_secret(issuer: FakeIssuer, form: str) -> str:
    key = issuer.keys["one"]
    secret = key.as_pem(private=False) if form == "PEM" else key.as_der(private=False)
    signed = f"{b64({'alg': 'HS256', 'kid': 'one'})}.{b64(issuer.claims())}"
    return f"{signed}.{b64(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def by_another(issuer: FakeIssuer, key_id: str = "one", **header: Any) -> str:
    """Signed with a key that the issuer does not have."""
    other = FakeIssuer()
    other.url = issuer.url
    other.keys = {key_id: new_key("ES256", key_id)}
    return other.token(key_id=key_id, header=header)


def own_key(issuer: FakeIssuer) -> str:
    """The key comes along in the header."""
    other = FakeIssuer()
    other.url = issuer.url
    jwk = other.keys["one"].as_dict(private=False)
    return other.token(header={"jwk": jwk})


def flipped(token: str, part: int, place: int) -> str:
    parts = token.split(".")
    letter = parts[part][place]
    other = "A" if letter != "A" else "B"
    parts[part] = parts[part][:place] + other + parts[part][place:][1:]
    return ".".join(parts)


def last_bit(token: str) -> str:
    """The same octets in another spelling: bits of the last letter that mean nothing."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + letters[letters.index(token[-1]) ^ 1]


def grafted(issuer: FakeIssuer) -> str:
    """Claims of one token with the signature of another."""
    ours, theirs = issuer.token().split("."), issuer.token(sub="worker").split(".")
    return ".".join((ours[0], theirs[1], ours[2]))


HOSTILE: dict[str, Callable[[FakeIssuer], str]] = {
    "no algorithm": unsigned,
    "no algorithm, other case": lambda i: unsigned(i, "NoNe"),
    "HS256 with nothing": lambda i: unsigned(i, "HS256"),
    "public key as secret, PEM": lambda i: with_public_key_as_secret(i, "PEM"),
    "public key as secret, DER": lambda i: with_public_key_as_secret(i, "DER"),
    "another algorithm in the header": lambda i: unsigned(i, "RS256"),
    "algorithm is a number": lambda i: f"{b64({'alg': 1, 'kid': 'one'})}.{b64(i.claims())}.eA",
    "another audience": lambda i: i.token(aud="other"),
    "audience with blanks": lambda i: i.token(aud=" rollbook"),
    "no audience": lambda i: i.token(aud=None),
    "empty audiences": lambda i: i.token(aud=[]),
    "audience is an object": lambda i: i.token(aud={"rollbook": 1}),
    "a hundred audiences": lambda i: i.token(aud=["rollbook"] * 100),
    "another issuer": lambda i: i.token(iss="https://evil.example"),
    "issuer with a slash": lambda i: i.token(iss=i.url + "/"),
    "no issuer": lambda i: i.token(iss=None),
    "issuer is a list": lambda i: i.token(iss=[i.url]),
    "expired": lambda i: i.token(iat=time.time() - 600, exp=time.time() - 120),
    "no end": lambda i: i.token(exp=None),
    "end is text": lambda i: i.token(exp=str(int(time.time()) + 300)),
    "end is true": lambda i: i.token(exp=True),
    "end without end": lambda i: i.token(exp=float("inf")),
    "end is no number": lambda i: i.token(exp=float("nan")),
    "end in the far future": lambda i: i.token(exp=10**300),
    "lives too long": lambda i: i.token(exp=time.time() + 7_200),
    "not yet valid": lambda i: i.token(nbf=time.time() + 120),
    "validity is text": lambda i: i.token(nbf="now"),
    "not issued yet": lambda i: i.token(iat=time.time() + 120, exp=time.time() + 300),
    "not said when issued": lambda i: i.token(iat=None),
    "ends before it is issued": lambda i: i.token(iat=time.time() + 20, exp=time.time() + 10),
    "no subject": lambda i: i.token(sub=None),
    "empty subject": lambda i: i.token(sub=""),
    "subject is a number": lambda i: i.token(sub=7),
    "long subject": lambda i: i.token(sub="work" + "x" * 300),
    "subject with a line": lambda i: i.token(sub="work\nadmin"),
    "subject that no rule fits": lambda i: i.token(sub="other"),
    "unknown key": lambda i: by_another(i, "three"),
    "another's key of that id": by_another,
    "no key id": lambda i: by_another(i, kid=None),
    "key id is a path": lambda i: by_another(i, kid="../../../../dev/null"),
    "key id is SQL": lambda i: by_another(i, kid="one' OR '1'='1"),
    "key id is a URL": lambda i: by_another(i, kid=f"{i.url}/keys"),
    "key id is a list": lambda i: by_another(i, kid=["one"]),
    "key in the header": own_key,
    "key set in the header": lambda i: by_another(i, jku=f"{i.url}/keys"),
    "certificate in the header": lambda i: by_another(i, x5u=f"{i.url}/keys"),
    "critical extension": lambda i: i.token(header={"crit": ["exp"], "exp": 1}),
    "for logging out": lambda i: i.token(header={"typ": "logout+jwt"}),
    "proof of a key": lambda i: i.token(header={"typ": "dpop+jwt"}),
    "too long": lambda i: i.token(more="x" * 7_000),
    "header turned": lambda i: flipped(i.token(), 0, 8),
    "claims turned": lambda i: flipped(i.token(), 1, 20),
    "signature turned": lambda i: flipped(i.token(), 2, 0),
    "signature turned at its end": lambda i: last_bit(i.token()),
    "signature cut off": lambda i: i.token().rpartition(".")[0] + ".",
    "signature shorter": lambda i: i.token()[:-4],
    "signature of zeros": lambda i: i.token().rpartition(".")[0] + "." + b64(bytes(64)),
    "signature of another": grafted,
    "no claims": lambda i: f"{b64({'alg': 'ES256', 'kid': 'one'})}.{b64([])}.eA",
    "claims are deep": lambda i: f"{b64({'alg': 'ES256', 'kid': 'one'})}.{b64(b'[' * 3000)}.eA",
    "no JSON": lambda _: "eyJhbGci.eyJub25l.eA",
    "no UTF-8": lambda _: f"eyJ_.{b64(bytes([255, 254]))}.eA",
    "five parts": lambda i: i.token() + ".x.y",
    "half a surrogate": lambda i: (
        f"{b64({'alg': 'ES256', 'kid': 'one'})}.{b64({**i.claims(), 'iss': chr(0xD800)})}.eA"
    ),
}


async def test_hostile_tokens_are_refused_and_none_by_an_error(
    admin: RollbookClient, address: str, issuer: FakeIssuer
) -> None:
    await admin.issuers.create(trusted(issuer))
    assert await outcome(address, issuer.token()) == "ci: workload"
    made = {title: make(issuer) for title, make in HOSTILE.items()}
    got = await asyncio.gather(*(outcome(address, token) for token in made.values()))
    wrong = {
        title: reason
        for title, reason in zip(made, got, strict=True)
        if reason != "CREDENTIALS_INVALID"
    }
    assert not wrong
    assert await outcome(address, issuer.token()) == "ci: workload"


async def test_clocks_may_differ_a_little(
    admin: RollbookClient, address: str, issuer: FakeIssuer
) -> None:
    await admin.issuers.create(trusted(issuer))
    now = time.time()
    for token in (
        issuer.token(iat=now - 300, exp=now - 10),
        issuer.token(iat=now + 10),
        issuer.token(nbf=now + 10),
        issuer.token(iat=now, exp=now + 3_607),
        issuer.token(aud=["other", "rollbook"]),
        issuer.token(header={"typ": "at+JWT"}),
        issuer.token(header={"x5t": "x", "nonce": "y"}),
    ):
        assert await outcome(address, token) == "ci: workload"


async def test_a_token_is_not_believed_after_its_end(
    admin: RollbookClient, address: str, issuer: FakeIssuer
) -> None:
    made = Issuer(name="ci")
    made = trusted(issuer)
    made.clock_skew.seconds = 0
    await admin.issuers.create(made)
    now = time.time()
    token = issuer.token(iat=now - 10, exp=now + 0.7)
    assert await outcome(address, token) == "ci: workload"
    await asyncio.sleep(now + 0.75 - time.time())
    assert await outcome(address, token) == "CREDENTIALS_INVALID"


async def test_a_new_key_is_found_and_a_known_one_outlives_the_issuer(
    admin: RollbookClient,
    address: str,
    issuer: FakeIssuer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("service.federation.key_sets.PAUSE_SECONDS", 0.0)
    await admin.issuers.create(trusted(issuer))
    assert await outcome(address, issuer.token()) == "ci: workload"
    issuer.keys["two"] = new_key("ES256", "two")
    issuer.publish()
    assert await outcome(address, issuer.token(key_id="two")) == "ci: workload"
    issuer.status = 503
    issuer.keys["three"] = new_key("ES256", "three")
    assert await outcome(address, issuer.token(key_id="three")) == "CREDENTIALS_INVALID"
    assert await outcome(address, issuer.token(key_id="two", jti="2")) == "ci: workload"
    monkeypatch.setattr("service.federation.key_sets.FRESH_SECONDS", -1.0)
    assert await outcome(address, issuer.token(key_id="two", jti="3")) == "ci: workload"
    # What the issuer does not show any more is withdrawn.
    issuer.status = 200
    del issuer.keys["one"]
    issuer.publish()
    issuer.keys["one"] = new_key("ES256", "one")
    assert await outcome(address, issuer.token(jti="4")) == "CREDENTIALS_INVALID"


async def test_made_up_keys_do_not_make_the_issuer_be_asked_each_time(
    admin: RollbookClient, address: str, issuer: FakeIssuer
) -> None:
    await admin.issuers.create(trusted(issuer))
    await asyncio.gather(
        *(outcome(address, by_another(issuer, f"made up {number}")) for number in range(30))
    )
    assert issuer.asked == 1


async def test_an_issuer_less_is_trusted_no_more_at_once(
    admin: RollbookClient, address: str, issuer: FakeIssuer
) -> None:
    made = await admin.issuers.create(trusted(issuer))
    token = issuer.token()
    assert await outcome(address, token) == "ci: workload"
    await admin.issuers.delete(made.id)
    assert await outcome(address, token) == "CREDENTIALS_INVALID"
    with pytest.raises(errors.NotFoundError):
        await admin.issuers.delete(made.id)


async def test_no_worker_trusts_a_removed_issuer(
    database_url: str,
    database: asyncpg.Connection[asyncpg.Record],
    issuer: FakeIssuer,
    tmp_path: Path,
) -> None:
    await database.execute("DELETE FROM issuers")
    local = {"ROLLBOOK_ISSUER_REACH": "local"}
    with service_process(database_url, tmp_path, 2, **local) as (_, addresses):
        async with (
            RollbookClient(addresses[0], token=TOKEN) as admin,
            RollbookClient(addresses[0], token=issuer.token()) as first,
            RollbookClient(addresses[1], token=issuer.token()) as second,
        ):
            for _ in range(5):
                made = await admin.issuers.create(trusted(issuer))
                for client in (first, second):
                    assert (await client.tokens.describe_caller()).name == "ci: workload"
                await admin.issuers.delete(made.id)
                for client in (second, first):
                    with pytest.raises(errors.UnauthenticatedError):
                        await client.tokens.describe_caller()


async def test_rules_add_up_and_look_into_objects_and_arrays(
    admin: RollbookClient, address: str, issuer: FakeIssuer
) -> None:
    rules = [
        ScopeRule(claims={"sub": "workload", "groups": "readers"}, scopes=["directory.read"]),
        ScopeRule(claims={"realm.roles": "writer"}, scopes=["directory.write"]),
        ScopeRule(claims={"https://acme.example/ok": "true"}, scopes=["access.read"]),
    ]
    await admin.issuers.create(trusted(issuer, rules=rules))

    async def scopes(**claims: Any) -> list[str]:
        async with RollbookClient(address, token=issuer.token(**claims)) as client:
            return list((await client.tokens.describe_caller()).scopes)

    assert await scopes(groups=["x", "readers"]) == ["directory.read"]
    both = {"groups": "readers", "realm": {"roles": ["writer"]}}
    assert await scopes(**both) == ["directory.read", "directory.write"]
    assert await scopes(**{"https://acme.example/ok": True}) == ["access.read"]
    for claims in (
        {"groups": "readers2"},
        {"groups": {"readers": 1}},
        {"realm": "writer"},
        {"sub": "x", "groups": "readers"},
    ):
        assert await outcome(address, issuer.token(**claims)) == "CREDENTIALS_INVALID"


async def test_each_tenant_trusts_for_itself(
    admin: RollbookClient,
    address: str,
    issuer: FakeIssuer,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    other_token = await new_tenant(database)
    other_id = str(await tenant_of(database, other_token))
    await admin.issuers.create(trusted(issuer))
    async with RollbookClient(address, token=other_token) as other:
        own = trusted(issuer, name="theirs", audiences=[f"urn:rollbook:{other_id}"])
        await other.issuers.create(own)
        assert [one.name async for one in other.issuers.list()] == ["theirs"]
        minter = (await other.tokens.create("minter", [Scope.CREDENTIALS, Scope.SCIM])).secret
        async with RollbookClient(address, token=minter) as client:
            scim = [ScopeRule(claims={"sub": "w"}, scopes=["scim"])]
            fine = trusted(issuer, audiences=[f"x {other_id}"], rules=scim)
            await client.issuers.create(fine)
            with pytest.raises(errors.PermissionDeniedError) as caught:
                await client.issuers.create(trusted(issuer, rules=scim))
            assert caught.value.metadata["scope"] == "platform"
            wide = [ScopeRule(claims={"sub": "w"}, scopes=["admin"])]
            with pytest.raises(errors.PermissionDeniedError):
                await client.issuers.create(
                    trusted(issuer, audiences=[f"y {other_id}"], rules=wide)
                )
    assert [one.name async for one in admin.issuers.list()] == ["ci"]
    theirs = issuer.token(aud=f"urn:rollbook:{other_id}")
    async with RollbookClient(address, token=theirs) as client:
        assert (await client.tokens.describe_caller()).tenant_id == other_id
    # Meant for two tenants, a token is for neither.
    assert await outcome(address, issuer.token(aud=["rollbook", f"urn:rollbook:{other_id}"])) == (
        "CREDENTIALS_INVALID"
    )


async def test_the_same_issuer_and_audience_is_taken_once(
    admin: RollbookClient, issuer: FakeIssuer
) -> None:
    await admin.issuers.create(trusted(issuer))
    with pytest.raises(errors.AlreadyExistsError):
        await admin.issuers.create(trusted(issuer, audiences=["other", "rollbook"]))
    assert len([one async for one in admin.issuers.list()]) == 1


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": ""}),
        ("issuer.issuer", {"issuer": ""}),
        ("issuer.issuer", {"issuer": "ftp://x.example"}),
        ("issuer.issuer", {"issuer": "https://"}),
        ("issuer.issuer", {"issuer": "https://user:pw@x.example"}),
        ("issuer.issuer", {"issuer": "https://x.example/?a=b"}),
        ("issuer.issuer", {"issuer": "https://x.example:99999"}),
        ("issuer.jwks_uri", {"jwks_uri": "file:///etc/passwd"}),
        ("issuer.audiences", {"audiences": []}),
        ("issuer.audiences", {"audiences": [""]}),
        ("issuer.algorithms", {"algorithms": ["none"]}),
        ("issuer.algorithms", {"algorithms": ["HS256"]}),
        ("issuer.algorithms", {"algorithms": ["RS256", "rs256"]}),
        ("issuer.rules", {"rules": []}),
        ("issuer.rules", {"rules": [ScopeRule(scopes=["scim"])]}),
        ("scopes", {"rules": [ScopeRule(claims={"sub": "x"})]}),
        ("scopes", {"rules": [ScopeRule(claims={"sub": "x"}, scopes=["all"])]}),
        ("issuer.clock_skew", {"clock_skew": {"seconds": 61}}),
        ("issuer.clock_skew", {"clock_skew": {"seconds": -1}}),
        ("issuer.max_lifetime", {"max_lifetime": {"seconds": 0}}),
        ("issuer.max_lifetime", {"max_lifetime": {"seconds": 86_401}}),
    ],
)
async def test_an_issuer_that_cannot_be_is_refused(
    field: str, changes: dict[str, Any], admin: RollbookClient, issuer: FakeIssuer
) -> None:
    with pytest.raises(errors.InvalidRequestError) as caught:
        await admin.issuers.create(trusted(issuer, **changes))
    assert (caught.value.reason, caught.value.field) == ("INVALID_VALUE", field)


@pytest.mark.parametrize(
    "mend",
    [
        pytest.param({"jwks_uri": "{url}/elsewhere"}, id="redirect"),
        pytest.param({"jwks_uri": "{url}/nowhere"}, id="missing"),
        pytest.param({"jwks_uri": "http://192.0.2.1:1/keys"}, id="unreachable"),
    ],
)
async def test_keys_are_had_from_nowhere_else(
    mend: dict[str, str], admin: RollbookClient, address: str, issuer: FakeIssuer
) -> None:
    uri = {name: text.format(url=issuer.url) for name, text in mend.items()}
    await admin.issuers.create(trusted(issuer, **uri))
    start = time.monotonic()
    assert await outcome(address, issuer.token()) == "CREDENTIALS_INVALID"
    assert time.monotonic() - start < 7


async def test_a_configuration_of_another_issuer_is_not_taken(
    admin: RollbookClient, address: str, issuer: FakeIssuer
) -> None:
    issuer.configuration = {"issuer": "https://other.example"}
    await admin.issuers.create(trusted(issuer))
    assert await outcome(address, issuer.token()) == "CREDENTIALS_INVALID"


async def test_scim_takes_them_too(admin: RollbookClient, address: str, issuer: FakeIssuer) -> None:
    await admin.issuers.create(trusted(issuer))
    async with running_gateway(address) as url, aiohttp.ClientSession() as session:
        for token, status in ((issuer.token(), 200), (issuer.token(aud="x"), 401)):
            async with session.get(
                f"{url}/Users?count=0", headers={"Authorization": f"Bearer {token}"}
            ) as response:
                assert response.status == status


async def test_the_command_adds_lists_and_removes(
    admin: RollbookClient, address: str, issuer: FakeIssuer
) -> None:
    rollbook = Command(address, TOKEN)
    what = ("--audience", "rollbook", "--claim", "sub=work*", "--scope", "directory.read")
    added = await rollbook("issuer", "add", "ci", issuer.url, *what)
    assert added.exit_code == 0, added.err
    listed = await rollbook("issuer", "list")
    assert all(text in listed.out for text in ("ci", issuer.url, "sub=work*: directory.read"))
    assert await outcome(address, issuer.token()) == "ci: workload"
    assert (await rollbook("issuer", "remove", "ci")).exit_code == 0
    assert "none" in (await rollbook("issuer", "list")).err
    assert (await rollbook("issuer", "add", "ci", "x", *what[:4], "x=", *what[4:])).exit_code != 0
