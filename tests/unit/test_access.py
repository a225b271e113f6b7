"""The table of scopes covers what is served, and nothing else."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

import grpc
import pytest

import rollbook.v1
from gateway.app import Gateway
from gateway.connection import Stubs
from gateway.routing import Route
from gateway.settings import Settings
from rollbook.access import EVERY_SCOPE, ROUTES, RPCS, Rule, Scope, rule_of, scopes_named
from rollbook.v1 import user_service_pb2
from service import server
from service.rpc.calls import handlers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import ServiceDescriptor


def services() -> Iterator[ServiceDescriptor]:
    for module in pkgutil.iter_modules(rollbook.v1.__path__):
        if module.name.endswith("_pb2"):
            descriptor = importlib.import_module(f"rollbook.v1.{module.name}").DESCRIPTOR
            yield from descriptor.services_by_name.values()


def routes(gateway: Gateway) -> Iterator[Route]:
    router = gateway._router
    for places in (gateway._outside, router._collections, router._items, router._parts):
        yield from places.values()


async def test_every_method_of_the_contract_has_a_rule_and_no_other() -> None:
    methods = {f"{one.full_name}/{method.name}" for one in services() for method in one.methods}
    assert methods == set(RPCS)


def test_every_service_of_the_contract_is_served() -> None:
    assert set(server._SERVICES) == set(services())


async def test_every_route_of_the_gateway_has_a_rule_and_no_other() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        gateway = Gateway(Settings.model_construct(scim_roles=True), Stubs.over(channel))
    served = {
        f"{method} {route.name}"
        for route in routes(gateway)
        for method in route.allow.split(", ")
        if method not in {"HEAD", "OPTIONS"}
    }
    assert served == set(ROUTES)


@pytest.mark.parametrize("name", ["rollbook.v1.UserService/Nope", "GET Nope", ""])
def test_what_has_no_rule_is_not_served(name: str) -> None:
    with pytest.raises(LookupError, match=r"access\.py"):
        rule_of(name)


async def _nobody(_: Any) -> Any:
    raise AssertionError


def test_the_gateway_does_not_start_with_a_route_without_a_rule() -> None:
    with pytest.raises(LookupError, match="PUT Nope"):
        Route("Nope", PUT=_nobody)


def test_the_service_does_not_start_with_a_method_without_a_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    users = user_service_pb2.DESCRIPTOR.services_by_name["UserService"]
    answers: dict[str, Any] = {method.name: _nobody for method in users.methods}
    monkeypatch.delitem(RPCS, "rollbook.v1.UserService/PatchUser")
    gate: Any = None
    with pytest.raises(LookupError, match="UserService/PatchUser"):
        handlers_of(users, answers, gate)


def test_nobody_gets_in_without_a_scope() -> None:
    for rule in RPCS.values():
        if not rule.public:
            assert not rule.admits((), over_scim=False)
            assert not rule.admits((), over_scim=True)


def test_nobody_else_is_let_in_without_credentials() -> None:
    open_to_all = {name for name, rule in RPCS.items() if rule.takes_nobody(has_credentials=False)}
    methods = {name.removeprefix("rollbook.v1.OAuthService/") for name in open_to_all}
    assert methods == {
        "GetOAuthAuthorization",
        "SignIn",
        "BeginProviderSignIn",
        "FinishProviderSignIn",
        "SignOut",
        "DecideOAuthAuthorization",
        "IssueOAuthToken",
        "RevokeOAuthToken",
        "IntrospectOAuthToken",
    }


def test_the_scope_for_scim_is_good_for_nothing_else() -> None:
    direct = {
        name
        for name, rule in RPCS.items()
        if not rule.public and rule.admits({Scope.SCIM}, over_scim=False)
    }
    assert direct == {"rollbook.v1.CredentialService/DescribeCaller"}


def test_no_other_scope_is_good_for_scim() -> None:
    others = EVERY_SCOPE - {Scope.SCIM}
    assert not any(rule.admits(others, over_scim=True) for rule in RPCS.values() if not rule.public)


@pytest.mark.parametrize(
    ("rule", "over_scim", "text"),
    [
        (Rule(frozenset({Scope.ADMIN})), False, "admin"),
        (Rule(frozenset({Scope.SCIM, Scope.ADMIN})), False, "admin or scim"),
        (Rule(frozenset({Scope.ADMIN}), over_scim=True), True, "scim"),
    ],
)
def test_a_rule_says_what_it_takes(rule: Rule, over_scim: bool, text: str) -> None:
    assert rule.demands(over_scim=over_scim) == text


def test_scopes_of_a_later_release_are_worth_nothing() -> None:
    assert scopes_named(["scim", "of.a.later.release", "SCIM"]) == {Scope.SCIM}
