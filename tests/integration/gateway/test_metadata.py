"""What goes along with a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.gateway import assert_error
from tests.harness.samples import CREATE, ID

if TYPE_CHECKING:
    from tests.harness.fake_service import FakeService
    from tests.harness.gateway import Client


@pytest.mark.parametrize(
    ("key", "request_id"),
    [
        ("8E03978E-40D5-43DD-BC93-6894A57F9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ('"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("order-7", "153d6666-9fbf-54ba-9e31-8aed131a767f"),
        ("", ""),
    ],
)
async def test_an_idempotency_key_becomes_the_request_id_of_the_call(
    client: Client, fake: FakeService, key: str, request_id: str
) -> None:
    await client.send("POST", "/Users", CREATE, Idempotency_Key=key)
    assert fake.only_call.request.request_id == request_id


async def test_the_clients_request_id_is_kept(client: Client, fake: FakeService) -> None:
    answer = await client.send("GET", f"/Users/{ID}", X_Request_Id="abc-1")
    assert answer.headers["X-Request-Id"] == "abc-1"
    assert fake.only_call.metadata["rollbook-request-id"] == "abc-1"


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "ü"])
async def test_a_request_id_unfit_for_logs_is_replaced(client: Client, given: str) -> None:
    answer = await client.send("GET", f"/Users/{ID}", X_Request_Id=given)
    assert len(answer.headers["X-Request-Id"]) == 32


async def test_a_call_has_the_deadline_of_the_settings(client: Client, fake: FakeService) -> None:
    await client.send("GET", f"/Users/{ID}")
    assert 20 < fake.only_call.time_remaining < 26


async def test_credentials_that_metadata_cannot_carry_are_passed_on_as_wrong_ones(
    client: Client, fake: FakeService
) -> None:
    await client.send("GET", f"/Users/{ID}", Authorization="Bearer ünsinn")
    assert fake.only_call.metadata["authorization"] == "invalid"


async def test_credentials_that_are_given_twice_are_passed_on_as_wrong_ones(
    client: Client, fake: FakeService
) -> None:
    fields = [("Authorization", "Bearer a"), ("Authorization", "Bearer b")]
    await client.session.get(f"{client.url}/scim/v2/Users/{ID}", headers=fields)
    assert fake.only_call.metadata["authorization"] == "invalid"


async def test_long_credentials_reach_the_service_and_longer_ones_are_431(
    client: Client, fake: FakeService
) -> None:
    token = "t" * 8_000
    assert (await client.send("GET", f"/Users/{ID}", Authorization=token)).status == 200
    assert fake.only_call.metadata["authorization"] == token
    assert_error(await client.send("GET", f"/Users/{ID}", Authorization=token * 2), 431)
