"""Attributes that are returned on request are in the answer to who sets them (RFC 7643 §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.badge_schema import BADGE, USER, definition, with_badge

if TYPE_CHECKING:
    from rollbook.client import RollbookClient
    from tests.harness.scim import ScimClient

HISTORY = f"{BADGE}:history"


@pytest.fixture
async def ada(badges: ScimClient) -> str:
    """The path of a user with a badge."""
    created = await badges.post("/Users", with_badge("ada", number="1", history="h"))
    assert created.body[BADGE] == {"number": "1", "history": "h"}
    return f"/Users/{created.body['id']}"


async def _shown(badges: ScimClient, path: str) -> dict[str, Any]:
    badge: dict[str, Any] = (await badges.get(path)).body[BADGE]
    return badge


async def test_reading_does_not_show_them(badges: ScimClient, ada: str) -> None:
    assert await _shown(badges, ada) == {"number": "1"}
    assert await _shown(badges, f"{ada}?attributes={HISTORY}") == {"history": "h"}


async def test_put_shows_what_it_sets(badges: ScimClient, ada: str) -> None:
    without = await badges.put(ada, with_badge("ada", number="2"))
    assert without.body[BADGE] == {"number": "2"}
    put = await badges.put(ada, with_badge("ada", number="2", history="new"))
    assert put.body[BADGE] == {"number": "2", "history": "new"}


@pytest.mark.parametrize(
    ("operation", "shown"),
    [
        ({"op": "replace", "path": HISTORY, "value": "new"}, True),
        ({"op": "add", "path": BADGE, "value": {"history": "new"}}, True),
        ({"op": "replace", "value": {BADGE: {"history": "new"}}}, True),
        ({"op": "replace", "path": f"{BADGE}:number", "value": "3"}, False),
        ({"op": "remove", "path": HISTORY}, False),
    ],
)
async def test_patch_shows_what_it_sets(
    badges: ScimClient, ada: str, operation: object, shown: bool
) -> None:
    answer = await badges.patch(ada, operation)
    assert answer.status == 200
    assert answer.body[BADGE].get("history") == ("new" if shown else None)
    assert "number" in answer.body[BADGE]


async def test_the_clients_choice_counts_before(badges: ScimClient, ada: str) -> None:
    body = with_badge("ada", number="1", history="new")
    for query in ("attributes=userName", f"attributes={BADGE}:number"):
        assert "history" not in (await badges.put(f"{ada}?{query}", body)).body.get(BADGE, {})
    excluded = await badges.put(f"{ada}?excludedAttributes={HISTORY}", body)
    assert excluded.body[BADGE] == {"number": "1"}
    other = await badges.put(f"{ada}?excludedAttributes={BADGE}:number", body)
    assert other.body[BADGE] == {"history": "new"}
    named = await badges.put(f"{ada}?attributes={HISTORY}", body)
    assert named.body[BADGE] == {"history": "new"}


async def test_sub_attributes_are_treated_alike(client: RollbookClient, scim: ScimClient) -> None:
    parts = [{"name": "value"}, {"name": "note", "returned": "request"}]
    urn = "urn:acme:params:scim:schemas:extension:desk:1.0:User"
    desk = {"name": "desk", "type": "complex", "subAttributes": parts}
    await client.schemas.create(
        definition(urn, desk, {**desk, "name": "keys", "multiValued": True})
    )
    await client.schemas.attach(urn, "User")

    def body(**attributes: Any) -> dict[str, Any]:
        return {"schemas": [USER, urn], "userName": "ada", urn: attributes}

    noted, bare = {"value": "1", "note": "n"}, {"value": "1"}
    created = await scim.post("/Users", body(desk=noted, keys=[bare]))
    assert created.body[urn] == {"desk": noted, "keys": [bare]}
    path = f"/Users/{created.body['id']}"
    assert (await scim.get(path)).body[urn] == {"desk": bare, "keys": [bare]}
    put = await scim.put(path, body(desk=bare, keys=[bare, {**noted, "value": "2"}]))
    assert put.body[urn] == {"desk": bare, "keys": [bare, {**noted, "value": "2"}]}
    patched = await scim.patch(path, {"op": "add", "path": f"{urn}:desk.note", "value": "n"})
    assert patched.body[urn] == {"desk": noted, "keys": [bare, {"value": "2"}]}
