"""The contract: the same operation has the same outcome through gRPC and through SCIM, and
leaves the same directory behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract import (
    conditions,
    finding,
    membership,
    patching,
    roles,
    service_accounts,
    writing,
)
from tests.contract.case import UNKNOWN, Case, Find, kind_of
from tests.harness.operations import Names
from tests.harness.representation import ENTERPRISE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.harness.drivers import Driver, GrpcDriver, ScimDriver
    from tests.harness.operations import Document, Outcome

SECTIONS = {
    "create": writing.CREATION,
    "get": writing.READING,
    "replace": writing.REPLACEMENT,
    "delete": writing.DELETION,
    "condition": conditions.CONDITIONS,
    "patch": patching.PATCHES,
    "members": membership.MEMBERS,
    "groups in groups": membership.GROUPS_IN_GROUPS,
    "roles": roles.ROLES,
    "service accounts": service_accounts.SERVICE_ACCOUNTS,
    "filter": finding.FILTERS,
    "page": finding.PAGES,
}

TABLE = [
    pytest.param(case, protocol, id=f"{protocol}: {section}: {case.title}")
    for section, cases in SECTIONS.items()
    for case in cases
    for protocol in ("grpc", "scim")
    if case.only in {"", protocol}
]


@pytest.fixture
def drivers(grpc_driver: GrpcDriver, scim_driver: ScimDriver) -> dict[str, Driver]:
    return {"grpc": grpc_driver, "scim": scim_driver}


@pytest.mark.parametrize(("case", "protocol"), TABLE)
async def test_case(case: Case, protocol: str, drivers: dict[str, Driver]) -> None:
    grpc, scim = drivers["grpc"], drivers["scim"]
    names = Names(dict(UNKNOWN))
    await _prepare(case, grpc, names)
    before = {name: await _state(name, case.given, names, grpc) for name in case.given}

    outcome = await case.do.run(drivers[protocol], names, _condition(case, before))

    documents = {**case.given, **{name: state for name, state in case.then.items() if state}}
    _check_outcome(case, outcome, names, before)
    for name in documents:
        seen = await _state(name, documents, names, grpc)
        assert await _state(name, documents, names, scim) == seen, name
        _check_state(name, case, seen, before.get(name))


def test_titles_are_unique() -> None:
    titles = [param.id for param in TABLE]
    assert len(titles) == len(set(titles))


async def _prepare(case: Case, driver: Driver, names: Names) -> None:
    for name, document in case.given.items():
        outcome = await driver.create(kind_of(document), names.resolved(document))
        assert not outcome.reason, f"{name}: {outcome}"
        names.ids[name] = outcome.id


async def _state(
    name: str, documents: Mapping[str, Document], names: Names, driver: Driver
) -> Document | None:
    """The resource as it is now, with names for ids; None when there is none."""
    if name not in names.ids:
        return None
    outcome = await driver.get(kind_of(documents[name]), names.ids[name])
    if outcome.reason:
        assert "NOT_FOUND" in outcome.reason, outcome
        return None
    state: Document = names.named(outcome.resource)
    return state


def _condition(case: Case, before: Mapping[str, Document | None]) -> str:
    if case.etag is None or isinstance(case.do, Find):
        return ""
    resource = before.get(case.do.name)
    return case.etag(resource["meta"]["version"] if resource else "")


def _check_outcome(
    case: Case, outcome: Outcome, names: Names, before: Mapping[str, Document | None]
) -> None:
    if case.fails:
        assert case.fails in outcome.reason.split("/"), outcome
        return
    assert not outcome.reason, outcome
    if isinstance(case.do, Find):
        assert [names.named(found["id"])[1:] for found in outcome.resources] == list(
            case.finds or ()
        )
        assert outcome.total == case.total
    elif outcome.resource is not None:
        expected = case.then.get(case.do.name) or before[case.do.name]
        assert _written(names.named(outcome.resource)) == _written(expected)


def _check_state(name: str, case: Case, seen: Document | None, before: Document | None) -> None:
    """A resource looks as the case says, and its version tells whether its own state changed."""
    if name not in case.then:
        assert seen == before, name
        return
    expected = case.then[name]
    if expected is None or seen is None:
        assert seen is expected, name
        return
    assert _written(seen) == _written(expected), name
    if before is not None:
        same = _own(seen) == _own(before)
        kept = seen["meta"] == before["meta"]
        assert kept == (same and name not in case.touches), (seen["meta"], before["meta"])


def _written(document: Document | None) -> Document:
    """What a case writes of a resource, in the order that answers have."""
    assert document is not None
    stated = {k: v for k, v in document.items() if k not in {"id", "meta", "schemas"}}
    for attribute in {"members", "groups"} & stated.keys():
        stated[attribute] = sorted(stated[attribute], key=str)
    return stated


def _own(document: Document) -> Document:
    """The state that the version counts: not what is derived from other resources."""
    own = {k: v for k, v in document.items() if k not in {"groups", "meta"}}
    if "members" in own:
        own["members"] = {member["value"] for member in own["members"]}
    manager = own.get(ENTERPRISE_SCHEMA, {}).get("manager")
    if "owner" in own:
        own["owner"] = own["owner"]["value"]
    if manager:
        own[ENTERPRISE_SCHEMA] = {**own[ENTERPRISE_SCHEMA], "manager": manager["value"]}
    return own
