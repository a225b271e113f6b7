from __future__ import annotations

import pytest

from gateway.scim.references import reference_from_text

BASE_URL = "https://id.acme.example/scim/v2"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        (f"{BASE_URL}/Users/7", ("/Users", "7")),
        ("https://id.acme.example/scim/Groups/7", ("/Groups", "7")),
        ("/Users/7", ("/Users", "7")),
        ("../Users/7", ("/Users", "7")),
        ("Users/7", ("/Users", "7")),
        ("/v2/Users/7", ("/Users", "7")),
        ("https://other.example/scim/v2/Users/7", None),
        (f"{BASE_URL}/Users", None),
        (f"{BASE_URL}/Users/7/x", None),
        (f"{BASE_URL}/Users/7?x", None),
        ("7", None),
        ("", None),
    ],
)
def test_an_address_leads_to_a_resource(text: str, reference: tuple[str, str] | None) -> None:
    assert reference_from_text(text, BASE_URL) == reference


@pytest.mark.parametrize("text", ["Users/7", "../Users/7", f"{BASE_URL}/Users/7"])
def test_without_a_base_url_any_beginning_will_do(text: str) -> None:
    assert reference_from_text(text, "") == ("/Users", "7")
