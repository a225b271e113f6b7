"""Who is deactivated or deleted is out: nothing that let them in does so any more, by whichever
way it was written, and nothing comes back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from rollbook import errors
from rollbook.access import Scope
from rollbook.client import RollbookClient
from rollbook.errors import RollbookError
from rollbook.v1 import (
    credential_service_pb2,
    directory_service_pb2,
    patch_pb2,
    user_pb2,
    user_service_pb2,
)
from rollbook.v1.connection_pb2 import AdoptionPolicy
from service.directory.access_end import end_access
from service.directory.api_tokens import create
from service.storage.changes import Author
from service.storage.credentials import DEFAULT_TENANT
from tests.harness.connections import provisioning
from tests.harness.instance import TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    import asyncpg

    from service.storage.database import Connection
    from tests.harness.calls import Calls
    from tests.harness.database import DatabaseServer
    from tests.harness.scim import ScimClient

SCOPES: Final = ["directory.read", "directory.write", "scim", "credentials"]
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ROUNDS: Final = 10
WAITING: Final = 0.2
"""Seconds in which a call that need not wait is answered."""


@pytest.fixture
async def rollbook(
    service: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[RollbookClient]:
    """An administrator's client of an empty directory."""
    del database
    async with RollbookClient(service, token=TOKEN) as client:
        yield client


async def is_admitted(service: str, token: str) -> bool:
    async with RollbookClient(service, token=token) as client:
        try:
            await client.tokens.describe_caller()
        except errors.UnauthenticatedError:
            return False
    return True


async def new_user(rollbook: RollbookClient, name: str = "ada", **fields: Any) -> str:
    user = user_pb2.User(user_name=name, **fields)
    return (await rollbook.users.create(user)).id


async def token_of(rollbook: RollbookClient, user_id: str, name: str = "laptop") -> str:
    return (await rollbook.tokens.create(name, SCOPES, principal_id=user_id)).secret


@dataclass(frozen=True)
class Means:
    """What ways to write have at hand."""

    calls: Calls
    scim: ScimClient
    user_id: str
    other_id: str


def patch_of(user_id: str) -> user_service_pb2.PatchUserRequest:
    operation = patch_pb2.PatchOperation(
        op=patch_pb2.PATCH_OP_REPLACE, user=user_pb2.User(active=False)
    )
    operation.path.attribute.attribute = "active"
    return user_service_pb2.PatchUserRequest(id=user_id, operations=[operation])


def update_of(user_id: str, *mask: str) -> user_service_pb2.UpdateUserRequest:
    user = user_pb2.User(id=user_id, user_name="ada", active=False)
    return user_service_pb2.UpdateUserRequest(user=user, update_mask=FieldMask(paths=mask))


def bulk_of(*operations: directory_service_pb2.BulkOperation) -> directory_service_pb2.BulkRequest:
    return directory_service_pb2.BulkRequest(operations=operations)


async def send(means: Means, method: str, body: object, path: str = "") -> None:
    answer = await means.scim.request(method, path or f"/Users/{means.user_id}", body)
    assert answer.status in {200, 204}, answer.body
    if method == "POST":
        assert {each["status"] for each in answer.body["Operations"]} <= {"200", "204"}


def patched(*operations: dict[str, Any]) -> dict[str, Any]:
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": list(operations),
    }


def bulk(means: Means, method: str, data: object) -> dict[str, Any]:
    ids = (means.user_id, means.other_id)
    operations = [{"method": method, "path": f"/Users/{each}", "data": data} for each in ids]
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    }


_OFF: Final = {"op": "replace", "path": "active", "value": False}
_Operation: Final = directory_service_pb2.BulkOperation
_Delete: Final = user_service_pb2.DeleteUserRequest

WAYS: Final[dict[str, Callable[[Means], Awaitable[object]]]] = {
    "PatchUser": lambda m: m.calls(patch_of(m.user_id)),
    "UpdateUser of one field": lambda m: m.calls(update_of(m.user_id, "active")),
    "UpdateUser of what is set": lambda m: m.calls(update_of(m.user_id)),
    "UpdateUser of all": lambda m: m.calls(update_of(m.user_id, "*")),
    "DeleteUser": lambda m: m.calls(_Delete(id=m.user_id)),
    "Bulk of one": lambda m: m.calls(bulk_of(_Operation(patch_user=patch_of(m.user_id)))),
    "Bulk of several": lambda m: m.calls(
        bulk_of(*(_Operation(patch_user=patch_of(each)) for each in (m.other_id, m.user_id))),
    ),
    "Bulk of several and more": lambda m: m.calls(
        bulk_of(
            _Operation(update_user=update_of(m.user_id, "active")),
            _Operation(patch_user=patch_of(m.other_id)),
            _Operation(delete_user=_Delete(id=m.other_id)),
        ),
    ),
    "Bulk of deletions": lambda m: m.calls(
        bulk_of(*(_Operation(delete_user=_Delete(id=i)) for i in (m.other_id, m.user_id)))
    ),
    "PATCH": lambda m: send(m, "PATCH", patched(_OFF)),
    "PATCH as Okta does": lambda m: send(
        m, "PATCH", patched({"op": "replace", "value": {"active": False}})
    ),
    "PATCH as Entra does": lambda m: send(
        m, "PATCH", patched({"op": "Replace", "path": "active", "value": "False"})
    ),
    "PATCH of much": lambda m: send(
        m,
        "PATCH",
        patched(
            {"op": "add", "path": f"{ENTERPRISE}:department", "value": "gone"},
            {"op": "add", "value": {"active": False, "title": "late"}},
        ),
    ),
    "PUT": lambda m: send(m, "PUT", {"userName": "ada", "active": False}),
    "DELETE": lambda m: send(m, "DELETE", None),
    "POST Bulk of patches": lambda m: send(m, "POST", bulk(m, "PATCH", patched(_OFF)), "/Bulk"),
    "POST Bulk of replacements": lambda m: send(
        m,
        "POST",
        {
            **bulk(m, "PUT", None),
            "Operations": [
                {
                    "method": "PUT",
                    "path": f"/Users/{m.user_id}",
                    "data": {"userName": "ada", "active": False},
                }
            ],
        },
        "/Bulk",
    ),
    "POST Bulk of deletions": lambda m: send(m, "POST", bulk(m, "DELETE", None), "/Bulk"),
}


@pytest.fixture
async def means(rollbook: RollbookClient, calls: Calls, scim: ScimClient) -> Means:
    return Means(calls, scim, await new_user(rollbook), await new_user(rollbook, "grace"))


@pytest.mark.parametrize("way", WAYS)
async def test_every_way_to_deactivate_ends_what_let_in(
    way: str,
    means: Means,
    rollbook: RollbookClient,
    service: str,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    secrets = [await token_of(rollbook, means.user_id, name) for name in ("laptop", "script")]
    kept = (await rollbook.tokens.create("nobody's", SCOPES)).secret
    assert all([await is_admitted(service, secret) for secret in (*secrets, kept)])
    await WAYS[way](means)
    assert not any([await is_admitted(service, secret) for secret in secrets])
    assert await is_admitted(service, kept)
    recorded = await database.fetch(
        "SELECT 1 FROM changes WHERE resource_type = 'Token' AND attributes = '{revokeTime}'"
    )
    assert len(recorded) == 2


async def test_a_change_that_leaves_active_alone_ends_nothing(
    means: Means, rollbook: RollbookClient, service: str
) -> None:
    secret = await token_of(rollbook, means.user_id)
    await send(means, "PUT", {"userName": "ada", "title": "Countess"})
    await send(means, "PATCH", patched({"op": "replace", "path": "active", "value": True}))
    assert await is_admitted(service, secret)


async def test_what_was_refused_or_only_tried_ends_nothing(
    means: Means, rollbook: RollbookClient, calls: Calls, service: str
) -> None:
    secret = await token_of(rollbook, means.user_id)
    tried = patch_of(means.user_id)
    tried.validate_only = True
    await calls(tried)
    stale = patch_of(means.user_id)
    stale.etag = 'W/"77"'
    assert await calls.reason(stale) == "ETAG_MISMATCH"
    assert await is_admitted(service, secret)


async def test_activation_brings_nothing_back(
    means: Means, rollbook: RollbookClient, service: str
) -> None:
    secret = await token_of(rollbook, means.user_id)
    await send(means, "PATCH", patched(_OFF))
    await send(means, "PATCH", patched({**_OFF, "value": True}))
    assert not await is_admitted(service, secret)
    assert [token.name async for token in rollbook.tokens.list(principal_id=means.user_id)] == []
    assert await is_admitted(service, await token_of(rollbook, means.user_id))


async def test_who_is_deactivated_gets_no_token(means: Means, rollbook: RollbookClient) -> None:
    await send(means, "PATCH", patched(_OFF))
    with pytest.raises(errors.InvalidRequestError) as caught:
        await token_of(rollbook, means.user_id)
    assert caught.value.reason == "PRINCIPAL_INACTIVE"


@pytest.mark.parametrize("whose", ["00000000-0000-7000-8000-00000000dead", "ada", "x\0", "@group"])
async def test_a_token_is_for_a_user_there_is(
    whose: str, rollbook: RollbookClient, scim: ScimClient
) -> None:
    if whose == "@group":
        whose = (await scim.request("POST", "/Groups", {"displayName": "g"})).body["id"]
    with pytest.raises(errors.NotFoundError) as caught:
        await token_of(rollbook, whose)
    assert caught.value.reason == "USER_NOT_FOUND"


async def test_a_token_of_somebody_has_no_other_tenant(
    means: Means, rollbook: RollbookClient
) -> None:
    with pytest.raises(errors.InvalidRequestError, match="platform"):
        await rollbook.tokens.create("x", ["platform"], principal_id=means.user_id)


async def test_the_lookup_itself_refuses_who_is_inactive(
    means: Means,
    rollbook: RollbookClient,
    service: str,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    secret = await token_of(rollbook, means.user_id)
    await database.execute("UPDATE resources SET active = false WHERE unique_key = 'ada'")
    assert not await is_admitted(service, secret)


async def test_a_token_tells_whose_it_is(
    means: Means, rollbook: RollbookClient, service: str
) -> None:
    made = await rollbook.tokens.create("laptop", SCOPES, principal_id=means.user_id)
    replaced = await rollbook.tokens.rotate(made.token.id)
    for secret in (made.secret, replaced.secret):
        async with RollbookClient(service, token=secret) as client:
            assert (await client.tokens.describe_caller()).principal_id == means.user_id
    listed = [token.id async for token in rollbook.tokens.list(principal_id=means.user_id)]
    assert listed == [replaced.token.id, made.token.id]
    assert [token async for token in rollbook.tokens.list(principal_id=means.other_id)] == []


async def test_pages_of_one_principal_are_not_those_of_another(
    means: Means, rollbook: RollbookClient, calls: Calls
) -> None:
    for name in ("one", "two"):
        await token_of(rollbook, means.user_id, name)
    request = credential_service_pb2.ListTokensRequest(page_size=1, principal_id=means.user_id)
    page = await calls(request)
    request.page_token = page.next_page_token
    assert [token.name for token in (await calls(request)).tokens] == ["one"]
    for other in (means.other_id, ""):
        request.principal_id = other
        assert await calls.reason(request) == "INVALID_PAGE_TOKEN"


MINTS: Final[dict[str, Callable[[RollbookClient, str, str], Coroutine[Any, Any, str]]]] = {
    "made": lambda rollbook, user_id, _: token_of(rollbook, user_id, "new"),
    "replaced": lambda rollbook, _, token_id: replaced(rollbook, token_id),
}


async def replaced(rollbook: RollbookClient, token_id: str) -> str:
    return (await rollbook.tokens.rotate(token_id)).secret


@pytest.mark.parametrize("mint", MINTS)
async def test_no_token_comes_of_a_call_that_a_deactivation_overtakes(
    mint: str, means: Means, rollbook: RollbookClient, database: Connection
) -> None:
    old = await rollbook.tokens.create("old", SCOPES, principal_id=means.user_id)
    author, user_id = Author(DEFAULT_TENANT, "test"), UUID(means.user_id)
    async with database.transaction():
        await database.execute("UPDATE resources SET active = false WHERE id = $1", user_id)
        minting = asyncio.create_task(MINTS[mint](rollbook, means.user_id, old.token.id))
        await asyncio.wait([minting], timeout=WAITING)
        assert not minting.done()
        await end_access(database, author, [user_id])
    with pytest.raises((errors.InvalidRequestError, errors.NotFoundError)):
        await minting


async def test_a_deactivation_finds_what_is_being_made(
    means: Means, calls: Calls, service: str, database: Connection
) -> None:
    author = Author(DEFAULT_TENANT, "test")
    scopes = frozenset({Scope.DIRECTORY_READ})
    async with database.transaction():
        _, secret = await create(database, author, "new", scopes, None, means.user_id)
        ending = asyncio.create_task(calls(patch_of(means.user_id)))
        await asyncio.wait([ending], timeout=WAITING)
        assert not ending.done()
    await ending
    assert not await is_admitted(service, secret)


@pytest.mark.parametrize("mint", MINTS)
async def test_both_at_once_leave_no_token(
    mint: str, rollbook: RollbookClient, calls: Calls, service: str
) -> None:
    for number in range(ROUNDS):
        user_id = await new_user(rollbook, f"ada{number}")
        old = await rollbook.tokens.create("old", SCOPES, principal_id=user_id)
        minted = (MINTS[mint](rollbook, user_id, old.token.id) for _ in range(3))
        made = await asyncio.gather(*minted, calls(patch_of(user_id)), return_exceptions=True)
        for secret in (old.secret, *made[:3]):
            assert isinstance(secret, RollbookError) or not await is_admitted(service, str(secret))


@pytest.mark.parametrize("way", ["by itself", "Bulk"])
async def test_a_connection_that_takes_over_somebody_inactive_ends_it(
    way: str, database_server: DatabaseServer
) -> None:
    async with provisioning(database_server) as place:
        _, okta = await place.connect("okta", adoption=AdoptionPolicy.ADOPTION_POLICY_LINK)
        secret = await token_of(place.admin, await new_user(place.admin))
        body: dict[str, Any] = {"userName": "ada", "active": False}
        path = "/Users"
        if way == "Bulk":
            other = {"method": "POST", "path": path, "bulkId": "2", "data": {"userName": "bob"}}
            operation = {"method": "POST", "path": path, "bulkId": "1", "data": body}
            schema = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
            path, body = "/Bulk", {"schemas": [schema], "Operations": [other, operation]}
        answer = await okta.request("POST", path, body)
        assert answer.status in {200, 201}, answer.body
        assert not await is_admitted(place.address, secret)
        assert not (await place.admin.users.lookup(user_name="ada")).active
