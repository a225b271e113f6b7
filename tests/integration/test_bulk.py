"""Bulk requests (RFC 7644 §3.7) against the real service, through SCIM and through gRPC."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import grpc
import pytest

from rollbook.v1.directory_service_pb2 import BulkRequest, BulkResponse
from rollbook.v1.directory_service_pb2_grpc import DirectoryServiceStub
from rollbook.v1.error_reason_pb2 import ErrorReason
from tests.harness.representation import ENTERPRISE_SCHEMA

if TYPE_CHECKING:
    import asyncpg

    from tests.harness.scim import ScimAnswer, ScimClient

    Database = asyncpg.Connection[asyncpg.Record]

SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
UNKNOWN: Final = "00000000-0000-4000-8000-00000000dead"

Operation = dict[str, Any]


def user(name: str, manager: str = "", **more: Any) -> Operation:
    data: dict[str, Any] = {"userName": name, **more}
    if manager:
        data[ENTERPRISE_SCHEMA] = {"manager": {"value": manager}}
    return {"method": "POST", "path": "/Users", "bulkId": name, "data": data}


def group(name: str, *members: str) -> Operation:
    data = {"displayName": name, "members": [{"value": each} for each in members]}
    return {"method": "POST", "path": "/Groups", "bulkId": name, "data": data}


def patch(path: str, *operations: Operation, **more: Any) -> Operation:
    return {"method": "PATCH", "path": path, "data": {"Operations": operations}, **more}


def add_members(*members: str) -> Operation:
    return {"op": "add", "path": "members", "value": [{"value": each} for each in members]}


def delete(path: str, **more: Any) -> Operation:
    return {"method": "DELETE", "path": path, **more}


async def send(scim: ScimClient, *operations: Operation, **more: Any) -> ScimAnswer:
    body = {"schemas": [SCHEMA], "Operations": list(operations), **more}
    return await scim.post("/Bulk", body)


async def results(scim: ScimClient, *operations: Operation, **more: Any) -> list[Operation]:
    answer = await send(scim, *operations, **more)
    assert answer.status == 200, answer.body
    assert answer.body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]
    found: list[Operation] = answer.body["Operations"]
    return found


def statuses(found: list[Operation]) -> list[str]:
    return [each["status"] for each in found]


def id_of(result: Operation) -> str:
    return str(result["location"].rsplit("/", 1)[1])


async def members_of(scim: ScimClient, group_id: str) -> set[str]:
    answer = await scim.get(f"/Groups/{group_id}")
    return {each["value"] for each in answer.body.get("members", ())}


async def test_results_come_in_the_order_of_the_request(scim: ScimClient) -> None:
    staff, ada = await results(scim, group("Staff", "bulkId:ada"), user("ada"))
    assert statuses([staff, ada]) == ["201", "201"]
    assert staff["location"] == f"{scim.base_url}/Groups/{id_of(staff)}"
    assert (staff["bulkId"], ada["bulkId"]) == ("Staff", "ada")
    assert staff["version"] == (await scim.get(f"/Groups/{id_of(staff)}")).etag
    assert "response" not in ada
    assert await members_of(scim, id_of(staff)) == {id_of(ada)}


async def test_references_work_wherever_an_id_is_expected(scim: ScimClient) -> None:
    members: list[Operation] = [
        {"op": "remove", "path": 'members[value eq "bulkId:bob"]'},
        {"op": "add", "path": "members", "value": {"$ref": "../Users/bulkId:cleo"}},
    ]
    found = await results(
        scim,
        patch("/Groups/bulkId:Staff", *members),
        patch(
            "/Users/bulkId:ada", {"op": "add", "path": f"{ENTERPRISE_SCHEMA}:manager",
                                  "value": "bulkId:cleo"},
        ),
        group("Staff", "bulkId:ada", "bulkId:bob"),
        user("ada"),
        user("bob", manager="bulkId:ada"),
        user("cleo"),
        {"method": "PUT", "path": "/Users/bulkId:bob",
         "data": {"userName": "bob", ENTERPRISE_SCHEMA: {"manager": {"value": "bulkId:cleo"}}}},
    )  # fmt: skip
    assert statuses(found) == ["200", "200", "201", "201", "201", "201", "200"]
    staff, ada, bob, cleo = (id_of(each) for each in found[2:6])
    assert await members_of(scim, staff) == {ada, cleo}
    for identifier in (ada, bob):
        shown = (await scim.get(f"/Users/{identifier}")).body
        assert shown[ENTERPRISE_SCHEMA]["manager"]["value"] == cleo
    assert found[0]["location"] == found[2]["location"]
    assert found[1]["version"] == (await scim.get(f"/Users/{ada}")).etag


async def test_circles_are_created_as_they_are_at_once(scim: ScimClient) -> None:
    found = await results(
        scim,
        group("A", "bulkId:B"),
        group("B", "bulkId:C", "bulkId:u"),
        group("C", "bulkId:A", "bulkId:C"),
        user("u", manager="bulkId:v"),
        user("v", manager="bulkId:u"),
    )
    assert statuses(found) == ["201"] * 5
    a, b, c, u, v = map(id_of, found)
    assert await members_of(scim, a) == {b}
    assert await members_of(scim, b) == {c, u}
    assert await members_of(scim, c) == {a, c}
    managers = [(await scim.get(f"/Users/{each}")).body[ENTERPRISE_SCHEMA] for each in (u, v)]
    assert [each["manager"]["value"] for each in managers] == [v, u]
    assert {each["version"] for each in found} == {'W/"1"'}


async def test_a_circle_that_cannot_be_closed_fails_as_a_whole(scim: ScimClient) -> None:
    await results(scim, user("ada"))
    found = await results(
        scim, group("A", "bulkId:u"), user("u", manager="bulkId:ada"),
        {**user("ada", manager="bulkId:u")}, user("bob"),
    )  # fmt: skip
    assert statuses(found) == ["409", "409", "409", "201"]
    assert found[2]["response"]["scimType"] == "uniqueness"
    assert "bulkId:ada" in found[1]["response"]["detail"]
    assert (await scim.get("/Users")).body["totalResults"] == 2
    assert (await scim.get("/Groups")).body["totalResults"] == 0


async def test_the_rest_goes_on_past_errors(scim: ScimClient, database: Database) -> None:
    found = await results(
        scim,
        user("ada"),
        {**user("ADA"), "bulkId": "again"},
        {**user(""), "bulkId": "nameless"},
        group("Staff", "bulkId:again"),
        group("Crew", UNKNOWN),
        group("Board", "bulkId:nobody"),
        patch("/Users/bulkId:ada", {"op": "replace", "path": "userName", "value": "x"}),
        patch("/Users/bulkId:ada", {"op": "replace", "path": "nope.nope", "value": "x"}),
        patch("/Users/bulkId:ada", {"op": "remove", "path": "userName"}),
        {"method": "POST", "path": "/Users", "data": {"userName": "nobody"}},
        {"method": "GET", "path": "/Users/1"},
        delete(f"/Users/{UNKNOWN}"),
        delete("/Nope/1"),
        {"method": "POST", "path": "/Bulk", "bulkId": "b", "data": {}},
        delete("/Users/bulkId:ada"),
        user("bob"),
    )
    assert [(each["status"], each.get("response", {}).get("scimType")) for each in found] == [
        ("201", None),
        ("409", "uniqueness"),
        ("400", "invalidValue"),
        ("409", None),
        ("400", "invalidValue"),
        ("409", None),
        ("200", None),
        ("200", None),
        ("400", "mutability"),
        ("400", "invalidSyntax"),
        ("400", "invalidSyntax"),
        ("404", None),
        ("404", None),
        ("400", "invalidSyntax"),
        ("204", None),
        ("201", None),
    ]
    assert found[11]["location"] == f"{scim.base_url}/Users/{UNKNOWN}"
    names = [each["userName"] for each in (await scim.get("/Users")).body["Resources"]]
    assert names == ["bob"]
    rows = await database.fetch("SELECT action, resource_type FROM changes ORDER BY revision")
    assert [tuple(row) for row in rows] == [
        ("create", "User"), ("update", "User"), ("delete", "User"), ("create", "User"),
    ]  # fmt: skip


@pytest.mark.parametrize(("limit", "answered"), [(1, 2), (2, 4), (3, 6), (4, 6), (0, 6)])
async def test_errors_may_end_a_bulk(scim: ScimClient, limit: int, answered: int) -> None:
    found = await results(
        scim,
        user("ada"),
        {**user("ada"), "bulkId": "a2"},
        user("bob"),
        delete(f"/Users/{UNKNOWN}"),
        user("cleo"),
        {**user("cleo"), "bulkId": "c2"},
        failOnErrors=limit,
    )
    assert statuses(found) == ["201", "409", "201", "404", "201", "409"][:answered]
    created = statuses(found).count("201")
    assert (await scim.get("/Users")).body["totalResults"] == created


async def test_what_cannot_be_read_counts_as_an_error(scim: ScimClient) -> None:
    found = await results(scim, {"method": "POST"}, user("ada"), failOnErrors=1)
    assert statuses(found) == ["400"]
    assert (await scim.get("/Users")).body["totalResults"] == 0


async def test_versions_are_conditions(scim: ScimClient) -> None:
    (ada,) = await results(scim, user("ada"))
    path = f"/Users/{id_of(ada)}"
    rename = {"op": "replace", "path": "displayName", "value": "Ada"}
    found = await results(
        scim,
        patch(path, rename, version=ada["version"]),
        patch(path, {**rename, "value": "A."}, version=ada["version"]),
        {"method": "PUT", "path": path, "version": 'W/"7"', "data": {"userName": "x"}},
        delete(path, version='W/"7"'),
        delete(path, version='W/"2"'),
    )
    assert statuses(found) == ["200", "412", "412", "412", "204"]
    assert found[0]["version"] == 'W/"2"'
    assert {each["location"] for each in found} == {ada["location"]}


async def test_two_operations_of_one_name_are_refused_together(scim: ScimClient) -> None:
    answer = await send(scim, user("ada"), user("bob"), delete("/Users/1", bulkId="ada"))
    assert (answer.status, answer.scim_type) == (400, "invalidSyntax")
    assert "'ada'" in answer.body["detail"]
    assert (await scim.get("/Users")).body["totalResults"] == 0


async def test_habits_are_recorded_with_the_change_they_are_of(
    scim: ScimClient, database: Database
) -> None:
    await results(scim, user("ada", active="True"), user("bob", active=True))
    rows = await database.fetch("SELECT tolerances FROM changes ORDER BY revision")
    assert "STRING_BOOLEAN" in rows[0]["tolerances"]
    assert "STRING_BOOLEAN" not in rows[1]["tolerances"]


async def test_passwords_are_kept_as_hashes(scim: ScimClient, database: Database) -> None:
    found = await results(
        scim,
        user("ada", password="correct horse"),
        user("bob", password="x" * 2000),
        patch("/Users/bulkId:ada", {"op": "add", "path": "password", "value": "battery staple"}),
    )
    assert statuses(found) == ["201", "400", "200"]
    hashes = await database.fetch("SELECT user_id::text, hash FROM passwords")
    assert [row["user_id"] for row in hashes] == [id_of(found[0])]
    assert hashes[0]["hash"].startswith("$argon2id$")
    stored = await database.fetch("SELECT message FROM resources")
    assert all(b"horse" not in row["message"] for row in stored)


async def test_a_repeated_request_is_done_once(scim: ScimClient) -> None:
    key = str(uuid4())
    body = {"schemas": [SCHEMA], "Operations": [user("ada"), group("Staff", "bulkId:ada")]}
    first = await scim.post("/Bulk", body, Idempotency_Key=key)
    second = await scim.post("/Bulk", body, Idempotency_Key=key)
    assert first.body == second.body
    assert statuses(second.body["Operations"]) == ["201", "201"]
    assert (await scim.get("/Groups")).body["totalResults"] == 1


async def test_a_thousand_operations_are_done_with_a_few_statements(
    scim: ScimClient, database: Database
) -> None:
    people = [user(f"u{i}", manager="bulkId:u0") for i in range(990)]
    groups = [group(f"g{i}", *(f"bulkId:u{j}" for j in range(i, 990, 10))) for i in range(10)]
    found = await results(scim, *groups, *people)
    assert set(statuses(found)) == {"201"}
    assert (await scim.get("/Users?count=0")).body["totalResults"] == 990
    assert len(await members_of(scim, id_of(found[3]))) == 99
    # Every resource names the transaction that wrote it, or the subtransaction of a batch.
    writers = await database.fetchval("SELECT count(DISTINCT xmin::text) FROM resources")
    assert writers <= 4


async def test_a_thousand_failures_leave_nothing(scim: ScimClient, database: Database) -> None:
    people = [user(f"u{i}", manager=f"bulkId:u{i + 1}") for i in range(1000)]
    found = await results(scim, *people)
    assert set(statuses(found)) == {"409"}
    assert "bulkId:u1000" in found[999]["response"]["detail"]
    assert await database.fetchval("SELECT count(*) FROM resources") == 0


async def test_who_refers_to_somebody_refused_is_refused_in_a_batch_too(scim: ScimClient) -> None:
    await results(scim, user("u5"))
    people = [user(f"u{i}", manager=f"bulkId:u{i - 1}" if i else "") for i in range(10)]
    found = await results(scim, *people, user("free"), group("g", "bulkId:free"))
    assert statuses(found) == ["201"] * 5 + ["409"] * 5 + ["201"] * 2
    assert found[5]["response"]["scimType"] == "uniqueness"
    assert (await scim.get("/Users")).body["totalResults"] == 7


async def test_bulks_that_meet_do_each_what_they_would_do_alone(scim: ScimClient) -> None:
    names = [f"u{i}" for i in range(40)]
    forwards = [user(name) for name in names]
    backwards = [user(name) for name in reversed(names)]
    for found in await asyncio.gather(
        *(results(scim, *each) for each in (forwards, backwards, forwards, backwards))
    ):
        assert set(statuses(found)) <= {"201", "409"}
    assert (await scim.get("/Users?count=0")).body["totalResults"] == 40


async def test_a_member_deleted_meanwhile_is_unknown_or_gone(scim: ScimClient) -> None:
    for _ in range(5):
        (ada,) = await results(scim, user("ada"))
        path = f"/Users/{id_of(ada)}"
        (crew, deleted) = await asyncio.gather(
            results(scim, group("Crew", id_of(ada)), user("bob", manager=id_of(ada))),
            scim.delete(path),
        )
        assert deleted.status == 204
        assert statuses(crew) in (["201", "201"], ["400", "201"])
        if crew[0]["status"] == "201":
            assert await members_of(scim, id_of(crew[0])) == set()
        assert (await scim.delete(f"/Users/{id_of(crew[1])}")).status == 204


class TestOverGrpc:
    @pytest.fixture
    def stub(self, channel: grpc.aio.Channel) -> DirectoryServiceStub:
        return DirectoryServiceStub(channel)

    @pytest.fixture
    def metadata(self, token: str) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {token}"),)

    async def test_creations_need_no_name(self, stub: Any, metadata: Any) -> None:
        request = BulkRequest()
        request.operations.add().create_user.user.user_name = "ada"
        request.operations.add().create_group.group.display_name = "Staff"
        response: BulkResponse = await stub.Bulk(request, metadata=metadata)
        assert [each.HasField("error") for each in response.results] == [False, False]
        assert all(each.id and each.etag == 'W/"1"' for each in response.results)

    async def test_errors_say_what_a_call_of_its_own_would(self, stub: Any, metadata: Any) -> None:
        request = BulkRequest()
        for name in ("ada", "Ada"):
            request.operations.add().create_user.user.user_name = name
        request.operations.add().delete_group.id = "bulkId:nobody"
        response: BulkResponse = await stub.Bulk(request, metadata=metadata)
        _, taken, lost = (each.error for each in response.results)
        assert taken.code == grpc.StatusCode.ALREADY_EXISTS.value[0]
        assert taken.reason == ErrorReason.ERROR_REASON_UNIQUENESS
        assert (taken.field, taken.metadata["value"]) == ("userName", "Ada")
        assert lost.code == grpc.StatusCode.FAILED_PRECONDITION.value[0]
        assert lost.reason == ErrorReason.ERROR_REASON_BULK_REFERENCE

    async def test_it_can_be_tried_out(self, stub: Any, metadata: Any, database: Database) -> None:
        request = BulkRequest(validate_only=True)
        request.operations.add().create_user.user.user_name = "ada"
        response: BulkResponse = await stub.Bulk(request, metadata=metadata)
        assert not response.results[0].HasField("error")
        assert await database.fetchval("SELECT count(*) FROM resources") == 0

    async def test_too_many_operations_are_refused(self, stub: Any, metadata: Any) -> None:
        request = BulkRequest()
        for _ in range(1001):
            request.operations.add().create_user.user.user_name = "ada"
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Bulk(request, metadata=metadata)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT

    async def test_credentials_are_needed(self, stub: Any) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Bulk(BulkRequest())
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
