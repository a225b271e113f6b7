"""Failed calls as exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc.aio import AioRpcError, Metadata

from rollbook import errors
from rollbook.client import RollbookClient
from rollbook.errors import error_from_rpc
from rollbook.v1.user_pb2 import User
from tests.harness.memory_service import TOKEN, running_memory_service

if TYPE_CHECKING:
    from google.protobuf.message import Message


def failure(code: grpc.StatusCode, *details: Message, text: str = "It failed.") -> AioRpcError:
    status = Status(code=code.value[0], message=text)
    for detail in details:
        status.details.add().Pack(detail)
    trailing = Metadata(("grpc-status-details-bin", status.SerializeToString()))
    return AioRpcError(code, Metadata(), trailing, text)


@pytest.mark.parametrize("code", list(grpc.StatusCode))
def test_every_status_is_an_error_of_the_client(code: grpc.StatusCode) -> None:
    error = error_from_rpc(AioRpcError(code, Metadata(), Metadata(), "It failed."))
    assert isinstance(error, errors.RollbookError)
    assert (error.code, error.message, error.reason, error.field) == (code, "It failed.", "", "")


def test_an_error_carries_its_details() -> None:
    retry = RetryInfo()
    retry.retry_delay.FromMilliseconds(1500)
    violation = BadRequest.FieldViolation(field="emails.value", description="It is too long.")
    error = error_from_rpc(
        failure(
            grpc.StatusCode.INVALID_ARGUMENT,
            ErrorInfo(reason="INVALID_VALUE", domain="rollbook", metadata={"limit": "512"}),
            BadRequest(field_violations=[violation]),
            retry,
        )
    )
    assert isinstance(error, errors.InvalidRequestError)
    assert error.reason == "INVALID_VALUE"
    assert error.field == "emails.value"
    assert error.metadata == {"limit": "512"}
    assert error.retry_after == 1.5
    assert str(error) == "It failed. (INVALID_VALUE)"


def test_the_field_of_other_errors_is_in_their_metadata() -> None:
    info = ErrorInfo(reason="UNIQUENESS", metadata={"field": "userName"})
    assert error_from_rpc(failure(grpc.StatusCode.ALREADY_EXISTS, info)).field == "userName"


def test_an_error_without_details_tells_its_status() -> None:
    error = error_from_rpc(AioRpcError(grpc.StatusCode.INTERNAL, Metadata(), Metadata()))
    assert str(error) == "The service did not say why. (INTERNAL)"
    assert error.retry_after is None


def test_details_that_cannot_be_read_do_not_hide_the_error() -> None:
    trailing = Metadata(("grpc-status-details-bin", b"\xff\xff"))
    error = error_from_rpc(AioRpcError(grpc.StatusCode.NOT_FOUND, Metadata(), trailing, "Gone."))
    assert isinstance(error, errors.NotFoundError)
    assert error.message == "Gone."


def test_details_of_others_are_passed_over() -> None:
    error = error_from_rpc(failure(grpc.StatusCode.NOT_FOUND, AnyMessage()))
    assert error.reason == ""


async def test_errors_come_over_the_wire_whole() -> None:
    async with (
        running_memory_service() as service,
        RollbookClient(service.address, token=TOKEN) as rollbook,
    ):
        service.add_user("ada")
        with pytest.raises(errors.AlreadyExistsError, match="is taken") as taken:
            await rollbook.users.create(User(user_name="ADA"))
        assert (taken.value.reason, taken.value.field) == ("UNIQUENESS", "userName")
        # Percent-encoded three times over, this is more than the 8 KiB of other clients.
        with pytest.raises(errors.NotFoundError, match="𝔘" * 99) as missing:
            await rollbook.users.get("𝔘" * 900)
        assert missing.value.reason == "USER_NOT_FOUND"


@pytest.mark.parametrize(
    ("token", "reason"), [(None, "CREDENTIALS_MISSING"), ("wrong", "CREDENTIALS_INVALID")]
)
async def test_credentials_are_wanted(token: str | None, reason: str) -> None:
    async with (
        running_memory_service() as service,
        RollbookClient(service.address, token=token) as rollbook,
    ):
        with pytest.raises(errors.UnauthenticatedError) as refused:
            await rollbook.users.count()
        assert refused.value.reason == reason


async def test_nobody_there_is_unavailable() -> None:
    async with RollbookClient("127.0.0.1:1", token=TOKEN) as rollbook:
        with pytest.raises(errors.UnavailableError) as absent:
            await rollbook.users.count()
        assert absent.value.reason == ""
