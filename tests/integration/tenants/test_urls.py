"""Tenants in URLs: by path and by host, and credentials that are another tenant's."""

from __future__ import annotations

import base64
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientSession
from yarl import URL

from rollbook.access import EVERY_SCOPE, Scope
from rollbook.client import RollbookClient
from rollbook.tokens import new_token as random_token
from service.passwords import PasswordHasher
from service.rpc.gate.attempts import PAIR_LIMIT
from service.storage import credentials
from tests.harness.instance import TOKEN, running_gateway
from tests.harness.tenants import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from rollbook.v1.tenant_pb2 import Tenant

    Database = asyncpg.Connection[asyncpg.Record]

IN_TENANT = sorted(EVERY_SCOPE - {Scope.PLATFORM})
ID = "00000000-0000-7000-8000-00000000dead"


@dataclass
class Place:
    """A tenant with a token, and another one's token."""

    tenant: Tenant
    token: str
    others: str
    platform: RollbookClient


@pytest.fixture
async def place(service: str, database: Database) -> AsyncIterator[Place]:
    async with RollbookClient(service, token=TOKEN) as platform:
        name = f"acme-{uuid4().hex[:8]}"
        tenant = await platform.tenants.create(name, hosts=[f"scim.{name}.example"])
        other = await platform.tenants.create(f"other-{uuid4().hex[:8]}")
        tokens = []
        for each in (tenant, other):
            async with platform.acting_in(each.id) as inside:
                tokens.append((await inside.tokens.create("idp", IN_TENANT)).secret)
        yield Place(tenant, tokens[0], tokens[1], platform)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str
    body: Any


class Client:
    """HTTP as it is, below the root of a gateway."""

    def __init__(self, base_url: str) -> None:
        self.root = base_url.removesuffix("/scim/v2")

    async def send(
        self,
        method: str,
        path: str,
        token: str | None = None,
        *,
        authorization: str = "",
        json: Any = None,
        **headers: str,
    ) -> Answer:
        headers["X-Request-Id"] = "same"
        if token or authorization:
            headers["Authorization"] = authorization or f"Bearer {token}"
        async with (
            ClientSession() as session,
            session.request(
                method, URL(self.root + path, encoded=True), json=json, headers=headers
            ) as response,
        ):
            kept = {k: v for k, v in response.headers.items() if k != "Date"}
            text = await response.text()
            body = await response.json(content_type=None) if text else None
            return Answer(response.status, kept, text, body)


@pytest.fixture
def http(gateway: str) -> Client:
    return Client(gateway)


USER = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada"}


async def test_a_path_names_the_tenant_and_answers_keep_it(place: Place, http: Client) -> None:
    base = f"/t/{place.tenant.name}/scim/v2"
    made = await http.send("POST", f"{base}/Users", place.token, json=USER)
    location = f"{http.root}{base}/Users/{made.body['id']}"
    assert (made.status, made.headers["Location"]) == (201, location)
    assert made.body["meta"]["location"] == location
    group = {"displayName": "staff", "members": [{"value": made.body["id"]}]}
    staff = (await http.send("POST", f"{base}/Groups", place.token, json=group)).body
    read = await http.send("GET", f"{base}/Groups/{staff['id']}", place.token)
    assert read.body["members"][0]["$ref"] == location
    found = await http.send(
        "GET", f'{base}/Users?filter=meta.location%20eq%20"{location}"', place.token
    )
    assert found.body["totalResults"] == 1
    # The plain form is the same directory under its own addresses.
    plain = await http.send("GET", f"/scim/v2/Users/{made.body['id']}", place.token)
    assert plain.body["meta"]["location"] == f"{http.root}/scim/v2/Users/{made.body['id']}"
    config = await http.send("GET", f"{base}/ServiceProviderConfig")
    assert config.body["meta"]["location"] == f"{http.root}{base}/ServiceProviderConfig"


async def test_the_prefix_comes_behind_the_tenant(place: Place, service: str) -> None:
    async with running_gateway(service, http_prefix="/api/scim/v2") as url:
        http = Client(url.removesuffix("/api/scim/v2"))
        base = f"/t/{place.tenant.name}/api/scim/v2"
        made = await http.send("POST", f"{base}/Users", place.token, json=USER)
        assert made.headers["Location"] == f"{http.root}{base}/Users/{made.body['id']}"
        assert (await http.send("GET", f"/t/{place.tenant.name}/scim/v2/Users")).status == 404


NAMES = [
    "default",
    "nobody-s-name",
    "ACME",
    "a%20b",
    "a,name:b",
    "%00",
    "..%2f",
    "x" * 100,
    "%C3%A9",
]


@pytest.mark.parametrize("name", NAMES)
async def test_another_tenants_url_answers_as_to_unknown_credentials(
    name: str, place: Place, http: Client
) -> None:
    for method, path in (("GET", "Users"), ("GET", f"Users/{ID}"), ("GET", "Schemas")):
        url = f"/t/{name}/scim/v2/{path}"
        refused = await http.send(method, url, place.token)
        unknown = await http.send(method, url, random_token())
        assert refused.status == 401
        assert refused == unknown


async def test_another_tenants_credentials_are_as_good_as_unknown(
    place: Place, http: Client
) -> None:
    url = f"/t/{place.tenant.name}/scim/v2/Users"
    for _ in range(2):
        refused = await http.send("POST", url, place.others, json=USER)
        assert refused.status == 401
        assert refused == await http.send("POST", url, random_token(), json=USER)
    assert (await http.send("GET", url, place.token)).body["totalResults"] == 0
    # A platform's credential is of its own tenant too.
    assert (await http.send("GET", url, TOKEN)).status == 401


async def test_the_time_of_a_refusal_does_not_tell(place: Place, http: Client) -> None:
    url = f"/t/{place.tenant.name}/scim/v2/Users"
    times: dict[str, list[float]] = {}
    for kind, token in [("other", place.others), ("unknown", random_token())] * 20:
        start = time.perf_counter()
        await http.send("GET", url, token)
        times.setdefault(kind, []).append(time.perf_counter() - start)
    medians = {kind: statistics.median(each) for kind, each in times.items()}
    assert abs(medians["other"] - medians["unknown"]) < 0.005, medians


async def test_what_anybody_may_read_tells_nothing_of_tenants(place: Place, http: Client) -> None:
    for path in ("ServiceProviderConfig", "ResourceTypes", "Schemas"):
        answers = [
            await http.send("GET", f"/t/{name}/scim/v2/{path}")
            for name in (place.tenant.name, "nobody-s-name")
        ]
        assert [answer.status for answer in answers] == [200, 200]
        texts = {answer.text.replace(place.tenant.name, "nobody-s-name") for answer in answers}
        assert len(texts) == 1


async def test_a_host_of_a_tenant_is_its_alone(place: Place, http: Client) -> None:
    host = place.tenant.hosts[0]
    own = await http.send("POST", "/scim/v2/Users", place.token, json=USER, Host=f"{host}:8443")
    assert own.status == 201
    assert own.headers["Location"].startswith(f"http://{host}:8443/scim/v2/Users/")
    for name in (host, host.upper(), f"{host}."):
        refused = await http.send("GET", "/scim/v2/Users", place.others, Host=name)
        assert refused.status == 401
    for nobodys in ("id.acme.example", "localhost"):
        for token in (place.token, place.others):
            assert (await http.send("GET", "/scim/v2/Users", token, Host=nobodys)).status == 200
    await place.platform.tenants.update(place.tenant.id, hosts=[])
    assert (await http.send("GET", "/scim/v2/Users", place.others, Host=host)).status == 200


async def test_a_subdomain_names_the_tenant(place: Place, service: str) -> None:
    async with running_gateway(service, http_tenant_domain="id.example.com") as url:
        http, name = Client(url), place.tenant.name
        host = f"{name}.id.example.com"
        made = await http.send("POST", "/scim/v2/Users", place.token, json=USER, Host=host)
        assert made.headers["Location"] == f"http://{host}/scim/v2/Users/{made.body['id']}"
        assert (await http.send("GET", "/scim/v2/Users", place.others, Host=host)).status == 401
        path = f"/t/{name}/scim/v2/Users"
        assert (await http.send("GET", path, place.token, Host=host)).status == 200
        disagreeing = "other.id.example.com"
        assert (await http.send("GET", path, place.token, Host=disagreeing)).status == 401
        assert (await http.send("GET", path, place.token, Host="id.example.com")).status == 200


async def test_what_is_no_tenants_is_at_the_root_alone(place: Place, http: Client) -> None:
    for path in ("healthz", "readyz", ""):
        answer = await http.send("GET", f"/t/{place.tenant.name}/{path}", place.token)
        assert answer.status == 404


async def test_user_names_are_a_tenants_own(place: Place, http: Client, database: Database) -> None:
    """The same user name and password let into two tenants, each by its URL."""
    hasher, tenant_id = PasswordHasher(), UUID(place.tenant.id)
    hashed = await hasher.hash("swordfish")
    hasher.close()
    async with serving(database, tenant_id):
        await credentials.set_basic(database, tenant_id, "scim.auth", "payroll", hashed)
    header = "Basic " + base64.b64encode(b"payroll:swordfish").decode()
    inside = f"/t/{place.tenant.name}/scim/v2/Users"
    made = await http.send("POST", inside, authorization=header, json=USER)
    assert made.status == 201
    for elsewhere in ("/scim/v2/Users", "/t/default/scim/v2/Users", "/t/nobody-s/scim/v2/Users"):
        assert (await http.send("GET", elsewhere, authorization=header)).status == 401
    # Guesses at the name in another tenant do not lock it here.
    for n in range(PAIR_LIMIT + 1):
        wrong = "Basic " + base64.b64encode(f"payroll:{n}".encode()).decode()
        last = await http.send("GET", "/t/default/scim/v2/Users", authorization=wrong)
    assert last.status == 429
    wrong = "Basic " + base64.b64encode(b"payroll:wrong").decode()
    assert (await http.send("GET", inside, authorization=wrong)).status == 401
    assert (await http.send("GET", inside, authorization=header)).status == 200
