"""Making, changing, suspending and deleting tenants, and acting in them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from rollbook.access import EVERY_SCOPE, Scope
from rollbook.client import RollbookClient
from rollbook.errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RollbookError,
    UnauthenticatedError,
)
from rollbook.v1.group_pb2 import Group
from rollbook.v1.tenant_pb2 import Tenant
from rollbook.v1.user_pb2 import User
from service.storage import tenants
from service.storage.credentials import DEFAULT_TENANT
from service.storage.database import NO_TENANT
from tests.harness.command import Command
from tests.harness.instance import TOKEN
from tests.harness.scim import ScimClient
from tests.harness.tenants import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

    import asyncpg

    Database = asyncpg.Connection[asyncpg.Record]

IN_TENANT = sorted(EVERY_SCOPE - {Scope.PLATFORM})


@pytest.fixture
async def platform(service: str, database: Database) -> AsyncIterator[RollbookClient]:
    async with RollbookClient(service, token=TOKEN) as client:
        yield client


def fresh_name() -> str:
    return f"acme-{uuid4().hex[:8]}"


async def everything(listing: AsyncIterable[object]) -> list[object]:
    return [each async for each in listing]


async def new_token(platform: RollbookClient, tenant: Tenant) -> str:
    async with platform.acting_in(tenant.name) as inside:
        return (await inside.tokens.create("admin", IN_TENANT)).secret


async def test_a_tenant_is_made_read_and_listed(platform: RollbookClient) -> None:
    name = fresh_name()
    host = f"SCIM.{name}.example."
    made = await platform.tenants.create(name, display_name=" Acme Inc. ", hosts=[host])
    assert (made.name, made.display_name) == (name, "Acme Inc.")
    assert list(made.hosts) == [f"scim.{name}.example"]
    assert made.state == Tenant.STATE_ACTIVE
    assert await platform.tenants.get(name) == await platform.tenants.get(made.id) == made
    assert (await platform.tenants.get()).id == str(DEFAULT_TENANT)
    listed = [tenant async for tenant in platform.tenants.list(page_size=2)]
    assert listed[0].name == "default"
    assert made in listed


@pytest.mark.parametrize(
    "name",
    ["", "Acme", "-acme", "acme-", "a.b", "a b", "x" * 64, "ä", f"{UUID(int=1)}", "acme\n"],
)
async def test_a_name_is_a_label_and_no_id(name: str, platform: RollbookClient) -> None:
    with pytest.raises(InvalidRequestError, match="name has 1 to 63"):
        await platform.tenants.create(name)


@pytest.mark.parametrize("host", ["acme", "http://a.example", "a.example:80", "10.0.0.1", "*.a.b"])
async def test_a_host_is_a_name(host: str, platform: RollbookClient) -> None:
    with pytest.raises(InvalidRequestError, match="no host name"):
        await platform.tenants.create(fresh_name(), hosts=[host])


async def test_names_and_hosts_are_one_tenants(platform: RollbookClient) -> None:
    name, other = fresh_name(), fresh_name()
    await platform.tenants.create(name, hosts=[f"{name}.example"])
    with pytest.raises(AlreadyExistsError, match=name):
        await platform.tenants.create(name)
    with pytest.raises(AlreadyExistsError, match="another tenant"):
        await platform.tenants.create(other, hosts=[f"{name}.example"])
    with pytest.raises(NotFoundError):
        await platform.tenants.get(other)


async def test_nothing_is_written_to_try_out(platform: RollbookClient) -> None:
    name = fresh_name()
    await platform.tenants.create(name, validate_only=True)
    with pytest.raises(NotFoundError):
        await platform.tenants.get(name)


async def test_a_repeated_request_is_done_once(platform: RollbookClient) -> None:
    name, request_id = fresh_name(), str(uuid4())
    made = await platform.tenants.create(name, request_id=request_id)
    assert await platform.tenants.create(name, request_id=request_id) == made


async def test_what_is_named_changes(platform: RollbookClient) -> None:
    name = fresh_name()
    made = await platform.tenants.create(name, display_name="Acme", hosts=[f"{name}.example"])
    changed = await platform.tenants.update(name, display_name="Acme Ltd.", etag=made.etag)
    assert (changed.display_name, changed.hosts) == ("Acme Ltd.", made.hosts)
    assert changed.etag != made.etag
    changed = await platform.tenants.update(name, hosts=[])
    assert (changed.display_name, list(changed.hosts)) == ("Acme Ltd.", [])
    with pytest.raises(ConflictError):
        await platform.tenants.update(name, display_name="x", etag=made.etag)


async def test_what_is_done_to_tenants_is_recorded(
    platform: RollbookClient, database: Database
) -> None:
    made = await platform.tenants.create(fresh_name())
    await platform.tenants.suspend(made.id)
    await platform.tenants.delete(made.id, confirm_name=made.name)
    rows = await database.fetch(
        "SELECT action, attributes FROM changes WHERE resource_id = $1 ORDER BY revision", made.id
    )
    assert [tuple(row) for row in rows] == [
        ("create", ["name", "displayName", "hosts"]),
        ("update", ["state"]),
        ("delete", []),
    ]


async def test_a_platform_credential_acts_in_a_tenant(
    platform: RollbookClient, service: str
) -> None:
    made = await platform.tenants.create(fresh_name())
    async with platform.acting_in(made.name) as by_name, platform.acting_in(made.id) as by_id:
        ada = await by_name.users.create(User(user_name="ada"))
        assert (await by_id.users.get(ada.id)).user_name == "ada"
        caller = await by_id.tokens.describe_caller()
        assert (caller.tenant_id, caller.tenant_name) == (made.id, made.name)
    with pytest.raises(NotFoundError):
        await platform.users.get(ada.id)
    async with platform.acting_in("nobody-s") as nowhere:
        with pytest.raises(NotFoundError, match="nobody-s"):
            await everything(nowhere.users.list())


async def test_others_act_in_their_own(platform: RollbookClient, service: str) -> None:
    made, other = [await platform.tenants.create(fresh_name()) for _ in range(2)]
    token = await new_token(platform, made)
    async with RollbookClient(service, token=token, tenant=made.name) as own:
        await own.users.create(User(user_name="ada"))
        assert (await own.tenants.get()).name == made.name
        assert (await own.tenants.get(made.name)).name == made.name
        for hidden in (other.name, other.id, "default", fresh_name()):
            with pytest.raises(NotFoundError):
                await own.tenants.get(hidden)
        with pytest.raises(PermissionDeniedError):
            await everything(own.tenants.list())
    refusals = set()
    for name in (other.name, other.id, fresh_name()):
        async with RollbookClient(service, token=token, tenant=name) as elsewhere:
            with pytest.raises(PermissionDeniedError) as refusal:
                await everything(elsewhere.users.list())
            refusals.add(str(refusal.value))
    assert len(refusals) == 1, "whether there is such a tenant shows"


async def test_a_suspended_tenant_is_out_at_once_and_comes_back(
    platform: RollbookClient, service: str, gateway: str
) -> None:
    made = await platform.tenants.create(fresh_name())
    token = await new_token(platform, made)
    async with RollbookClient(service, token=token) as own, ScimClient(gateway, token) as scim:
        ada = await own.users.create(User(user_name="ada"))
        for _ in range(2):
            assert (await platform.tenants.suspend(made.name)).state == Tenant.STATE_SUSPENDED
            with pytest.raises(PermissionDeniedError, match="suspended") as caught:
                await own.users.get(ada.id)
            assert caught.value.reason == "TENANT_SUSPENDED"
            answer = await scim.get("/Users")
            assert answer.status == 403
            assert made.name in answer.body["detail"]
            # Its data is there for whoever administers the platform.
            async with platform.acting_in(made.name) as inside:
                assert (await inside.users.get(ada.id)).user_name == "ada"
            assert (await platform.tenants.resume(made.name)).state == Tenant.STATE_ACTIVE
            assert (await own.users.get(ada.id)).user_name == "ada"
            assert (await scim.get("/Users")).status == 200


async def test_the_default_tenant_is_protected(platform: RollbookClient) -> None:
    for act in (
        platform.tenants.suspend("default"),
        platform.tenants.delete("default", confirm_name="default"),
    ):
        with pytest.raises(InvalidRequestError, match="default cannot be") as caught:
            await act
        assert caught.value.reason == "TENANT_PROTECTED"


async def test_a_deletion_is_confirmed(platform: RollbookClient) -> None:
    made = await platform.tenants.create(fresh_name())
    for confirmation in ("", "default"):
        with pytest.raises(InvalidRequestError, match="confirm_name"):
            await platform.tenants.delete(made.id, confirm_name=confirmation)
    with pytest.raises(ConflictError):
        await platform.tenants.delete(made.id, etag='W/"99"')
    await platform.tenants.delete(made.id, etag=made.etag, validate_only=True)
    await platform.tenants.delete(made.id, etag=made.etag)
    with pytest.raises(NotFoundError):
        await platform.tenants.get(made.id)


async def test_a_deleted_tenant_leaves_nothing(
    platform: RollbookClient,
    service: str,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In parts, and by a call that can be repeated."""
    monkeypatch.setattr(tenants, "BATCH", 2)
    made = await platform.tenants.create(fresh_name())
    token, request_id = await new_token(platform, made), str(uuid4())
    async with RollbookClient(service, token=token) as own:
        ids = [(await own.users.create(User(user_name=f"u{n}"))).id for n in range(5)]
        group = await own.groups.create(Group(display_name="staff"))
        await own.groups.add_members(group.id, ids)
        for _ in range(2):
            await platform.tenants.delete(made.id, confirm_name=made.name, request_id=request_id)
        with pytest.raises(UnauthenticatedError):
            await everything(own.users.list())
    tables = await database.fetch(
        "SELECT attrelid::regclass::text AS name FROM pg_attribute JOIN pg_class ON "
        "attrelid = pg_class.oid WHERE attname = 'tenant_id' AND relkind = 'r'"
    )
    for table in tables:
        for door in (UUID(made.id), NO_TENANT):
            async with serving(database, door):
                assert not await database.fetchval(
                    f"SELECT count(*) FROM {table['name']} WHERE tenant_id = $1", made.id
                )
    again = await platform.tenants.create(made.name)
    assert again.id != made.id


async def test_a_deletion_that_was_given_up_goes_on(
    platform: RollbookClient, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await platform.tenants.create(fresh_name())
    token = await new_token(platform, made)

    async def fail(*_: object) -> bool:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(tenants, "delete_some", fail)
        with pytest.raises(RollbookError):
            await platform.tenants.delete(made.id, confirm_name=made.name)
    assert (await platform.tenants.get(made.id)).state == Tenant.STATE_DELETING
    async with RollbookClient(service, token=token) as own:
        with pytest.raises(PermissionDeniedError):
            await everything(own.users.list())
    with pytest.raises(InvalidRequestError, match="being deleted"):
        await platform.tenants.resume(made.id)
    await platform.tenants.delete(made.id, confirm_name=made.name)
    with pytest.raises(NotFoundError):
        await platform.tenants.get(made.id)


async def test_the_command_makes_a_tenant_and_its_first_token(
    platform: RollbookClient, service: str
) -> None:
    rollbook, name = Command(service, TOKEN), fresh_name()
    made = await rollbook(
        "tenant", "create", name, "--display-name", "Acme", "--admin-token", "admin"
    )
    assert made.exit_code == 0, made.err
    own = Command(service, made.out.strip())
    assert name in (await own("tenant", "get")).out
    assert (await own("user", "create", "ada")).exit_code == 0
    assert "ada" in (await rollbook("--tenant", name, "user", "list")).out
    assert (await rollbook("tenant", "suspend", name)).exit_code == 0
    assert "suspended" in (await own("user", "list")).err
    assert "suspended" in (await rollbook("tenant", "list")).out
    assert (await rollbook("tenant", "resume", name)).exit_code == 0
    changed = await rollbook("tenant", "update", name, "--host", f"{name}.example")
    assert f"{name}.example" in changed.out
    assert (await rollbook("tenant", "delete", name)).exit_code != 0
    assert (await rollbook("tenant", "delete", name, "--yes")).exit_code == 0
    assert (await rollbook("tenant", "get", name)).exit_code != 0
