"""The request with a number, of the campaign with a seed: always the same one."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from gateway.scim import patch
from rollbook.limits import MAX_BULK_OPERATIONS
from tests.fuzz import grammar
from tests.fuzz.hostile_values import hostile_text, hostile_value
from tests.fuzz.mutations import MUTATIONS, spoil_tree
from tests.fuzz.requests import Request, group_of, user_of, with_known_ids
from tests.harness.scim import MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HEADERS: Final = {
    "Authorization": "Bearer {{token}}",
    "Accept": MEDIA_TYPE,
    "Content-Type": MEDIA_TYPE,
}
_MESSAGE: Final = "urn:ietf:params:scim:api:messages:2.0:"


class Generator:
    """Makes requests from recorded ones and from grammars."""

    def __init__(self, corpus: Sequence[Request], seed: str) -> None:
        self._corpus = corpus
        self._writes = [request for request in corpus if request.tree is not None]
        self._seed = seed

    def __call__(self, number: int) -> Request:
        """The request with this number."""
        random = Random(f"{self._seed}/{number}")
        make = random.choices(
            (self._spoilt, _filtered, _searched, _patched, _created, _bulk),
            weights=(50, 14, 5, 20, 8, 3),
        )[0]
        return make(random)

    def _spoilt(self, random: Random) -> Request:
        weights, mutations = zip(*MUTATIONS, strict=True)
        chosen = random.choices(mutations, weights, k=random.choice((1, 1, 1, 2)))
        corpus = self._writes if spoil_tree in chosen else self._corpus
        request = with_known_ids(random.choice(corpus), random)
        for mutation in sorted(chosen, key=mutations.index, reverse=True):
            request = mutation(random, request)
        return request


def _filtered(random: Random) -> Request:
    kind = grammar.kind_of(random)
    parameters = {"filter": grammar.filter_text(random, kind)}
    if random.random() < 0.3:
        parameters["sortBy"] = grammar.path_text(random, kind)
    if random.random() < 0.3:
        parameters["count"] = random.choice(("0", "1", "1000"))
    if random.random() < 0.2:
        parameters["cursor"] = ""
    if random.random() < 0.2:
        parameters["attributes"] = grammar.path_text(random, kind)
    endpoint = random.choice((kind.endpoint, kind.endpoint, kind.endpoint, ""))
    query = "&".join(
        f"{name}={quote(text, safe='{}', errors='surrogatepass')}"
        for name, text in parameters.items()
    )
    return Request("GET", f"{endpoint}?{query}", HEADERS)


def _searched(random: Random) -> Request:
    kind = grammar.kind_of(random)
    body: dict[str, Any] = {
        "schemas": [f"{_MESSAGE}SearchRequest"],
        "filter": grammar.filter_text(random, kind),
    }
    for name in ("sortBy", "sortOrder", "startIndex", "count", "attributes", "cursor", "x"):
        if random.random() < 0.15:
            choices: tuple[Any, ...] = (1, "userName", ["userName"], hostile_value(random))
            body[name] = random.choice(choices)
    endpoint = random.choice((kind.endpoint, ""))
    return Request("POST", f"{endpoint}/.search", HEADERS, tree=body)


def _patched(random: Random) -> Request:
    kind = grammar.kind_of(random)
    target = user_of(random) if kind.name == "User" else group_of(random)
    return Request("PATCH", f"{kind.endpoint}/{target}", HEADERS, tree=_patch(random, kind))


def _patch(random: Random, kind: Any) -> dict[str, Any]:
    count = random.choice((1, 1, 1, 2, 5))
    operations = [grammar.operation(random, kind) for _ in range(count)]
    if random.random() < 0.01:
        operations = operations[:1] * (patch.MAX_OPERATIONS + random.choice((-1, 0, 1)))
    return {"schemas": [f"{_MESSAGE}PatchOp"], "Operations": operations}


def _created(random: Random) -> Request:
    """A resource that is new, with an attribute or two that may not fit."""
    kind = grammar.kind_of(random)
    name = f"fuzz-{random.randrange(10**12)}"
    body: dict[str, Any] = {"schemas": [kind.schema.urn], "externalId": name}
    body["userName" if kind.name == "User" else "displayName"] = name
    for _ in range(random.choice((0, 1, 1, 3))):
        body[grammar.path_text(random, kind).partition(".")[0]] = random.choice(
            (hostile_value(random), grammar.value(random, kind))
        )
    if kind.name == "Group":
        body.setdefault("members", [{"value": user_of(random)}, {"value": group_of(random)}])
    if random.random() < 0.3:
        path = f"{kind.endpoint}/{(user_of if kind.name == 'User' else group_of)(random)}"
        return Request("PUT", path, HEADERS, tree=body)
    return Request("POST", kind.endpoint, HEADERS, tree=body)


def _bulk(random: Random) -> Request:
    count = random.choice((1, 3, 10, 40))
    operations = [_bulk_operation(random, number) for number in range(count)]
    if random.random() < 0.02:
        operations = operations[:1] * (MAX_BULK_OPERATIONS + random.choice((-1, 0, 1)))
    body: dict[str, Any] = {"schemas": [f"{_MESSAGE}BulkRequest"], "Operations": operations}
    if random.random() < 0.5:
        choices: tuple[Any, ...] = (1, 2, 0, -1, "1", hostile_value(random))
        body["failOnErrors"] = random.choice(choices)
    return Request("POST", "/Bulk", HEADERS, tree=body)


def _bulk_operation(random: Random, number: int) -> Any:
    if random.random() < 0.03:
        return hostile_value(random)
    make: Callable[[Random], Request] = random.choice((_created, _created, _patched))
    inner = make(random)
    reference = json.dumps(inner.tree, default=str).replace(
        user_of(random), f"bulkId:b{random.randrange(number + 2)}"
    )
    found: dict[str, Any] = {
        "method": random.choice((inner.method, inner.method, inner.method, "DELETE", "GET")),
        "path": inner.target,
        "bulkId": f"b{number}" if random.random() < 0.95 else hostile_text(random),
        "data": json.loads(reference),
    }
    if random.random() < 0.1:
        found[random.choice(list(found))] = hostile_value(random)
    if random.random() < 0.05:
        found["version"] = random.choice(('W/"1"', "*", "", hostile_value(random)))
    return found
