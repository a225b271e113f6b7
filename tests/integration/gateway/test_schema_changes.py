"""How the gateway finds out that a tenant's schemas have changed, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from rollbook.v1.schema_pb2 import SchemaAttachment
from rollbook.v1.schema_service_pb2 import GetSchemaSetResponse
from rollbook.v1.user_service_pb2 import GetUserResponse
from service.domain.schema_changes import number_attributes
from service.domain.schema_definitions import completed
from tests.harness.badge_schema import BADGE, definition, with_badge
from tests.harness.fake_service import Failure
from tests.harness.gateway import assert_error, running_gateway
from tests.harness.samples import ADA, ID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.message import Message

    from rollbook.v1.schema_pb2 import SchemaDefinition
    from tests.harness.fake_service import FakeService
    from tests.harness.gateway import Client

CHANGED = Failure(grpc.StatusCode.FAILED_PRECONDITION, "SCHEMA_CHANGED", "revision 1")
TOKEN = "Bearer t"


class Script(dict[str, Any]):
    """Answers one after the other; the last one stays."""

    def get(self, method: str, default: Any = None) -> Message | Failure:
        answers = super().get(method, default)
        if not isinstance(answers, list):
            return answers  # type: ignore[no-any-return]
        return answers.pop(0) if len(answers) > 1 else answers[0]  # type: ignore[no-any-return]


def numbered() -> SchemaDefinition:
    complete = completed(definition(BADGE, {"name": "number"}))
    number_attributes(complete)
    return complete


@pytest.fixture
async def own(fake: FakeService) -> AsyncIterator[Client]:
    """A gateway that knows no schemas yet, before a tenant that has some."""
    attachment = SchemaAttachment(schema=BADGE, resource_type="User", field_number=1000)
    fake.answers = Script(
        fake.answers,
        GetUser=[CHANGED, GetUserResponse(user=ADA)],
        CreateUser=[CHANGED, fake.answers["CreateUser"]],
        GetSchemaSet=GetSchemaSetResponse(
            revision=1, schemas=[numbered()], attachments=[attachment]
        ),
    )
    async with running_gateway(fake.address) as client:
        yield client


def methods(fake: FakeService) -> list[str]:
    return [call.method for call in fake.calls]


async def test_a_request_is_done_again_with_the_schemas_of_now(
    own: Client, fake: FakeService
) -> None:
    answer = await own.send("POST", "/Users", with_badge("ada", number="7"), Authorization=TOKEN)
    assert answer.status == 201
    assert methods(fake) == ["CreateUser", "GetSchemaSet", "CreateUser"]
    first, _, second = fake.calls
    assert ("rollbook-schema" in first.metadata, second.metadata["rollbook-schema"]) == (False, "1")
    assert b"7" not in first.request.user.SerializeToString()
    assert second.request.user.SerializeToString().endswith(b"\xc2\x3e\x03\x0a\x017")


async def test_after_that_a_request_is_one_call(own: Client, fake: FakeService) -> None:
    for _ in range(3):
        answer = await own.send("GET", f"/Users/{ID}", Authorization=TOKEN)
        assert answer.status == 200
    assert methods(fake) == ["GetUser", "GetSchemaSet", "GetUser", "GetUser", "GetUser"]


async def test_other_credentials_have_schemas_of_their_own(own: Client, fake: FakeService) -> None:
    for token in (TOKEN, "Bearer other"):
        await own.send("GET", f"/Users/{ID}", Authorization=token)
    assert "rollbook-schema" not in fake.calls[-1].metadata


async def test_a_request_is_done_again_twice(own: Client, fake: FakeService) -> None:
    """The dialect of the connection and the schemas of the tenant may both have changed."""
    fake.answers["GetUser"] = CHANGED
    assert_error(await own.send("GET", f"/Users/{ID}", Authorization=TOKEN), 503)
    assert methods(fake) == ["GetUser", "GetSchemaSet", "GetUser", "GetSchemaSet", "GetUser"]


async def test_when_nothing_is_known_the_failure_is_told(own: Client, fake: FakeService) -> None:
    fake.answers["GetSchemaSet"] = Failure(grpc.StatusCode.UNAVAILABLE)
    answer = await own.send("GET", f"/Users/{ID}", Authorization=TOKEN)
    assert_error(answer, 503)
    assert methods(fake)[0] == "GetUser"


async def test_discovery_asks_for_the_schemas_of_now(own: Client, fake: FakeService) -> None:
    for _ in range(2):
        answer = await own.send("GET", f"/Schemas/{BADGE}", Authorization=TOKEN)
        assert answer.json["attributes"][0]["name"] == "number"
    assert [call.request.revision for call in fake.calls] == [0, 1]
    assert_error(await own.send("GET", f"/Schemas/{BADGE}"), 404)
    assert len(fake.calls) == 2
