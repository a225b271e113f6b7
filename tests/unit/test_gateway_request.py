"""What is read from header fields."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.handlers.claims import Claims
from gateway.handlers.conditions import matches
from gateway.handlers.request import ScimRequest
from gateway.scim.dialects import LENIENT
from gateway.settings import Settings


def request(**headers: str) -> ScimRequest:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    claims = Claims(Settings.model_construct())
    return ScimRequest(make_mocked_request("GET", "/", fields), lambda _, __: "", LENIENT, claims)


@pytest.mark.parametrize(
    ("header", "preference"),
    [
        ("return=minimal", "minimal"),
        ("return=representation", "representation"),
        ('Return = "minimal"', "minimal"),
        ("respond-async, return=minimal; foo=bar", "minimal"),
        ("wait=10;x, return=representation", "representation"),
        ("return=everything", None),
        ("noreturn=minimal", None),
        ("return=minimalist", None),
        ("", None),
    ],
)
def test_prefer(header: str, preference: str | None) -> None:
    assert request(Prefer=header).preference() == preference


@pytest.mark.parametrize(
    ("condition", "etag", "expected"),
    [
        ('W/"3"', 'W/"3"', True),
        ('"3"', 'W/"3"', True),
        ("3", 'W/"3"', True),
        ('"1", W/"2" ,"3"', 'W/"3"', True),
        ("*", 'W/"3"', True),
        ('"a,3"', 'W/"3"', False),
        ('"33"', 'W/"3"', False),
        ('""', 'W/"3"', False),
        ("*", "", False),
    ],
)
def test_entity_tags_are_compared_weakly(condition: str, etag: str, *, expected: bool) -> None:
    assert matches(condition, etag) is expected


def test_credentials_are_passed_on_as_they_are() -> None:
    metadata = dict(request(Authorization="Basic YTpi").metadata())
    assert metadata["authorization"] == "Basic YTpi"


@pytest.mark.parametrize("credentials", ["Bearer \u00fc", "Bearer \x07"])
def test_credentials_that_metadata_cannot_carry_are_wrong_ones(credentials: str) -> None:
    assert dict(request(Authorization=credentials).metadata())["authorization"] == "invalid"


def test_without_credentials_there_is_no_metadata_of_them() -> None:
    assert "authorization" not in dict(request().metadata())
