"""What is measured: the requests that identity providers and internal services repeat."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from google.protobuf.field_mask_pb2 import FieldMask

from bench.measuring import Scenario, Target
from bench.seed import user
from rollbook.v1 import filter_pb2, patch_pb2
from rollbook.v1.group_service_pb2 import (
    AddMembersRequest,
    GetGroupRequest,
    RemoveMembersRequest,
)
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import (
    CreateUserRequest,
    GetUserRequest,
    ListUsersRequest,
    PatchUserRequest,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from bench.clients import GrpcClient, HttpClient
    from bench.competitors import Ceiling, Chain
    from bench.seed import Seed
    from rollbook.v1.group_service_pb2_grpc import GroupServiceAsyncStub

USERS: Final = "/rollbook.v1.UserService"
GROUPS: Final = "/rollbook.v1.GroupService"

READERS: Final = 16
WRITERS: Final = 8
ONE: Final = 1
"""Members of one group are changed one after the other: the group is locked."""


@dataclass(frozen=True)
class Rollbook:
    """Both doors of Rollbook, and what is behind them."""

    http: HttpClient
    grpc: GrpcClient
    groups: GroupServiceAsyncStub
    metadata: tuple[tuple[str, str], ...]
    seed: Seed
    processes: dict[str, int]

    @property
    def direct(self) -> dict[str, int]:
        """The processes that a call without the gateway keeps busy."""
        return {name: each for name, each in self.processes.items() if name != "gateway"}


@dataclass(frozen=True)
class Competitors:
    """The servers that Rollbook is compared with, and clients of them."""

    http_ceiling: tuple[Ceiling, HttpClient]
    grpc_ceiling: tuple[Ceiling, GrpcClient]
    chains: Sequence[tuple[Chain, HttpClient]]


def scenarios(ours: Rollbook, others: Competitors) -> Iterator[Scenario]:
    """All scenarios, in an order in which none changes what a later one reads."""
    yield _get_user(ours, others)
    yield _by_user_name(ours)
    yield _page(ours)
    yield _get_group(ours)
    yield _post(ours)
    yield _patch_active(ours)
    yield _add_member(ours)


def _both(
    ours: Rollbook,
    http: Callable[[int], bytes],
    status: int,
    method: str,
    message: Callable[[int], Any],
) -> list[Target]:
    """The same request through the gateway and straight to the service."""
    return [
        Target("gateway", ours.http.call(http, status), ours.processes),
        Target(
            "gRPC",
            ours.grpc.call(method, lambda number: message(number).SerializeToString()),
            ours.direct,
            against=("gateway",),
        ),
    ]


def _get_user(ours: Rollbook, others: Competitors) -> Scenario:
    seed, http = ours.seed, ours.http
    requests = [http.request("GET", f"/Users/{each}") for each in seed.users]
    order = _shuffled(len(requests))
    typed, bare = others.chains

    def request(number: int) -> bytes:
        return requests[order[number % len(order)]]

    def chain_target(name: str, chain: tuple[Chain, HttpClient]) -> Target:
        parts = {
            "gateway": chain[0].gateway.id,
            "service": chain[0].service.id,
            "postgres": ours.processes["postgres"],
        }
        return Target(name, chain[1].call(request, 200), parts)

    gateway, service = _both(
        ours,
        request,
        200,
        f"{USERS}/GetUser",
        lambda number: GetUserRequest(id=seed.users[order[number % len(order)]]),
    )
    ceiling, grpc_ceiling = others.http_ceiling, others.grpc_ceiling
    http_constant = Target(
        "constant: aiohttp", ceiling[1].call(request, 200), {"gateway": ceiling[0].program.id}
    )
    grpc_constant = Target(
        "constant: grpc.aio",
        grpc_ceiling[1].call("/bench.Constant/Get", lambda _: b""),
        {"service": grpc_ceiling[0].program.id},
    )
    return Scenario(
        "GET /Users/{id}",
        READERS,
        [
            replace(gateway, against=("minimal chain", "bare chain", http_constant.name)),
            chain_target("minimal chain", typed),
            chain_target("bare chain", bare),
            http_constant,
            replace(service, against=("gateway", grpc_constant.name)),
            grpc_constant,
        ],
    )


def _by_user_name(ours: Rollbook) -> Scenario:
    names = ours.seed.user_names
    order = _shuffled(len(names))

    def name(number: int) -> str:
        return names[order[number % len(order)]]

    def http(number: int) -> bytes:
        text = quote(f'userName eq "{name(number)}"')
        return ours.http.request("GET", f"/Users?filter={text}")

    def message(number: int) -> ListUsersRequest:
        comparison = filter_pb2.Comparison(
            path=filter_pb2.AttributePath(attribute="userName"),
            operator=filter_pb2.COMPARISON_OPERATOR_EQUAL,
            value=filter_pb2.FilterValue(string=name(number)),
        )
        return ListUsersRequest(
            filter=filter_pb2.Filter(comparison=comparison), include_total_size=True
        )

    targets = _both(ours, http, 200, f"{USERS}/ListUsers", message)
    return Scenario('GET /Users?filter=userName eq "…"', READERS, targets)


def _page(ours: Rollbook) -> Scenario:
    request = ours.http.request("GET", "/Users?startIndex=1&count=100")
    message = ListUsersRequest(page_size=100, include_total_size=True)
    targets = _both(ours, lambda _: request, 200, f"{USERS}/ListUsers", lambda _: message)
    return Scenario("GET /Users?count=100", WRITERS, targets)


def _post(ours: Rollbook) -> Scenario:
    def http(number: int) -> bytes:
        body = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": f"posted-{number}@acme.example",
            "name": {"givenName": "Ada", "familyName": "King"},
            "displayName": "Ada King",
            "active": True,
            "emails": [{"value": f"posted-{number}@acme.example", "primary": True}],
        }
        return ours.http.request("POST", "/Users", body)

    def message(number: int) -> CreateUserRequest:
        created = user(number)
        created.user_name = f"created-{number}@acme.example"
        return CreateUserRequest(user=created)

    return Scenario("POST /Users", WRITERS, _both(ours, http, 201, f"{USERS}/CreateUser", message))


def _patch_active(ours: Rollbook) -> Scenario:
    users = ours.seed.users
    half = len(users) // 2

    def is_active(number: int) -> bool:
        return number // half % 2 == 1

    def http(number: int) -> bytes:
        operation = {"op": "replace", "path": "active", "value": is_active(number)}
        return _patch(ours.http, f"/Users/{users[number % half]}", operation)

    def message(number: int) -> PatchUserRequest:
        operation = patch_pb2.PatchOperation(
            op=patch_pb2.PATCH_OP_REPLACE, user=User(active=is_active(number))
        )
        operation.path.attribute.attribute = "active"
        return PatchUserRequest(id=users[half + number % half], operations=[operation])

    return Scenario(
        "PATCH /Users/{id}: active",
        WRITERS,
        _both(ours, http, 200, f"{USERS}/PatchUser", message),
    )


def _patch(http: HttpClient, path: str, operation: dict[str, Any]) -> bytes:
    schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
    return http.request("PATCH", path, {"schemas": schemas, "Operations": [operation]})


def _get_group(ours: Rollbook) -> Scenario:
    seed = ours.seed

    def targets(size: str, groups: Sequence[str]) -> list[Target]:
        paths = [f"/Groups/{each}?excludedAttributes=members" for each in groups]
        requests = [ours.http.request("GET", path) for path in paths]
        messages = [
            GetGroupRequest(id=each, read_mask=FieldMask(paths=["display_name"])) for each in groups
        ]
        return _sized(
            size,
            _both(
                ours,
                lambda number: requests[number % len(requests)],
                200,
                f"{GROUPS}/GetGroup",
                lambda number: messages[number % len(messages)],
            ),
        )

    return Scenario(
        "GET /Groups/{id}?excludedAttributes=members",
        READERS,
        [*targets("10", seed.small_groups), *targets("large", [seed.large_group])],
    )


def _add_member(ours: Rollbook) -> Scenario:
    """Each round begins with the members that there were: those who came are removed after it."""
    seed = ours.seed

    def targets(size: str, groups: Sequence[str]) -> list[Target]:
        def place(number: int) -> tuple[str, str]:
            member = seed.users[number // len(groups) % len(seed.users)]
            return groups[number % len(groups)], member

        def http(number: int) -> bytes:
            group, member = place(number)
            operation = {"op": "add", "path": "members", "value": [{"value": member}]}
            return _patch(ours.http, f"/Groups/{group}", operation)

        def message(number: int) -> AddMembersRequest:
            group, member = place(number)
            return AddMembersRequest(group_id=group, member_ids=[member])

        both = _both(ours, http, 204, f"{GROUPS}/AddMembers", message)
        most = len(seed.users) * len(groups) // 2
        return [
            replace(each, reset=_remover(ours, groups), most=most) for each in _sized(size, both)
        ]

    return Scenario(
        "PATCH /Groups/{id}: add one member",
        ONE,
        [*targets("10", seed.small_groups), *targets("large", [seed.large_group])],
    )


def _remover(ours: Rollbook, groups: Sequence[str]) -> Callable[[], Awaitable[None]]:
    async def remove() -> None:
        for group in groups:
            request = RemoveMembersRequest(group_id=group, member_ids=ours.seed.users)
            await ours.groups.RemoveMembers(request, metadata=ours.metadata)

    return remove


def _sized(size: str, targets: Sequence[Target]) -> list[Target]:
    """The targets named after the size of the group; the larger are compared with the smaller."""
    small = size == "10"
    return [
        replace(
            each,
            name=f"{each.name}, {size}",
            against=() if small else (f"{each.name}, 10",),
        )
        for each in targets
    ]


def _shuffled(number: int) -> list[int]:
    order = list(range(number))
    random.Random(1).shuffle(order)
    return order
