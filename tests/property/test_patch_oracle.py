"""Patches do what they do to scim2-models, an implementation that shares nothing with ours.

Where the two read RFC 7644 differently, `DIFFERENCES` says what is left out and which clause is on
our side.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
import scim2_models
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scim2_models import Context, Error, SCIMException, ScimPolicy

from gateway.scim.dialects import LENIENT, Dialect, Reading
from gateway.scim.errors import ScimError, from_reason
from gateway.scim.patch import operations_from_scim
from gateway.scim.projection import EVERYTHING
from gateway.scim.translation import resource_from_scim, resource_to_scim
from rollbook.attributes import USER
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain import patch, validation
from service.domain.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable

Model: Final[Any] = scim2_models.User[scim2_models.EnterpriseUser]
READINGS: Final = (
    (Dialect("letter", frozenset()), ScimPolicy()),
    (LENIENT, ScimPolicy(unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create)),
)
ENTERPRISE: Final = USER.extensions[0].schema.urn
CORE: Final = USER.schema.urn

WORDS: Final = ("ada", "Ada", "bob", "work")
TYPES: Final = ("work", "home", "other")
ADDRESSES: Final = ("ada@acme.example", "Ada@acme.example", "bob@acme.example")

words = st.sampled_from(WORDS)
types = st.sampled_from(TYPES)
addresses = st.sampled_from(ADDRESSES)
NEW: Final = st.integers(0, 10**9).map("new{}@acme.example".format)
"""Values that nobody has: an element with the type and value of another is that other to us, and
one more to theirs (RFC 7643 §2.4: the same pair should not be returned twice)."""

NAME: Final = {"givenName": words, "familyName": words, "formatted": words}
EMAIL: Final = {"value": addresses, "type": types, "display": words, "primary": st.booleans()}
ROLE: Final = {"value": words, "type": words, "display": words, "primary": st.booleans()}
MANAGER: Final = {"value": words}
EXTENSION: Final = {"department": words, "employeeNumber": words}
MISFITS: Final[list[Any]] = [5, True, {"value": 5}, [5], [[]], [{}], None, []]
SIMPLE: Final = {"title": words, "displayName": words, "nickName": words, "active": st.booleans()}
MULTIPLE: Final = {"emails": EMAIL, "roles": ROLE}


def _pair(element: dict[str, Any]) -> tuple[str, str]:
    return element.get("type", "").lower(), element["value"].lower()


def _objects(parts: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=parts).filter(bool)


def _elements(parts: dict[str, Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    required = {"value": parts["value"]}
    optional = {name: part for name, part in parts.items() if name != "value"}
    element = st.fixed_dictionaries(required, optional=optional)
    return st.lists(element, max_size=3, unique_by=_pair).filter(
        lambda elements: sum(bool(each.get("primary")) for each in elements) < 2
    )


USERS: Final = st.fixed_dictionaries(
    {"schemas": st.just([CORE]), "userName": words},
    optional={
        **SIMPLE,
        "name": _objects(NAME),
        "emails": _elements(EMAIL),
        "roles": _elements(ROLE),
        ENTERPRISE: _objects({**EXTENSION, "manager": _objects(MANAGER)}),
    },
).map(lambda user: {**user, "schemas": [CORE, ENTERPRISE]} if ENTERPRISE in user else user)


@st.composite
def _value_filters(draw: Any, parts: dict[str, Any]) -> str:
    def term() -> str:
        name = draw(st.sampled_from(["value", "type", "display"]))
        operator = draw(st.sampled_from(["eq", "eq", "eq", "sw", "ne"]))
        return f'{name} {operator} "{draw(parts[name])}"'

    joined = draw(st.sampled_from(["", "", " and ", " or "]))
    return term() + (joined + term() if joined else "")


@st.composite
def operations(draw: Any, *, misfits: bool) -> dict[str, Any]:
    """An operation whose value fits its path, or now and then not if `misfits`."""
    op = draw(st.sampled_from(["add", "replace", "remove"]))
    path, value = draw(st.one_of(*_targets(new=op == "add")))
    if misfits and draw(st.integers(0, 19)) == 0:
        value = draw(st.sampled_from(MISFITS))
    if op == "remove":
        return {"op": op, "path": path or "title"}
    return {"op": op, "value": value} | ({"path": path} if path else {})


def _targets(*, new: bool) -> list[st.SearchStrategy[tuple[str, Any]]]:
    def fixed(path: str, values: Any) -> st.SearchStrategy[tuple[str, Any]]:
        return st.tuples(st.just(path), values)

    unlike = {"value": NEW} if new else {}
    lists = {name: _elements({**parts, **unlike}) for name, parts in MULTIPLE.items()}
    found = [fixed(name, values) for name, values in SIMPLE.items()]
    found += [fixed("name", _objects(NAME)), fixed("userName", words)]
    found += [fixed(f"name.{part}", values) for part, values in NAME.items()]
    found += [fixed(f"{ENTERPRISE}:{name}", values) for name, values in EXTENSION.items()]
    found += [
        fixed(ENTERPRISE, _objects(EXTENSION)),
        fixed(f"{ENTERPRISE}:manager", _objects(MANAGER)),
        fixed(f"{ENTERPRISE}:manager.value", words),
        fixed("", _objects({**SIMPLE, "name": _objects(NAME), **lists})),
    ]
    for name, parts in MULTIPLE.items():
        found.append(fixed(name, lists[name]))
        paths = _value_filters(parts).map((name + "[{}]").format)
        found.append(st.tuples(paths, _objects(parts)))
        for part, values in parts.items():
            found.append(fixed(f"{name}.{part}", values))
            found.append(st.tuples(paths.map(("{}." + part).format), values))
    return found


def ours(user: dict[str, Any], body: dict[str, Any], dialect: Dialect) -> Any:
    """The user as the service leaves it, or the scimType."""
    stored: Any = resource_from_scim(USER, user, Reading(dialect))
    stored.id = "x"
    try:
        applied = operations_from_scim(body, USER, Reading(dialect))
        patch.apply(stored, applied, USER)
        validation.prune(stored, USER)
        validation.validate(stored, USER)
    except ScimError as error:
        return error.scim_type
    except DomainError as error:
        reason = ErrorReason.Name(error.reason).removeprefix("ERROR_REASON_")
        return from_reason(reason, error.message).scim_type
    return _plain(resource_to_scim(USER, stored, "", EVERYTHING))


def theirs(user: dict[str, Any], body: dict[str, Any], policy: ScimPolicy) -> Any:
    """The user as scim2-models leaves it, or the scimType."""
    resource = Model.model_validate(user)
    try:
        message = scim2_models.PatchOp[Model].model_validate(
            body, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=policy
        )
        message.patch(resource, scim_policy=policy)
    except ValidationError as error:
        return Error.from_validation_errors(error)[0].scim_type
    except SCIMException as error:
        return error.scim_type
    return _plain(resource.model_dump(scim_ctx=Context.DEFAULT))


def _plain(user: Any) -> Any:
    """Without what the server derives."""
    shown = {name: value for name, value in user.items() if name not in {"id", "meta", "schemas"}}
    if manager := shown.get(ENTERPRISE, {}).get("manager"):
        manager.pop("$ref", None)
    return shown


@dataclass(frozen=True)
class Difference:
    """Where the two read the RFC differently: `holds` tells it of an operation and the two
    outcomes, `why` says what is on our side."""

    why: str
    holds: Callable[[dict[str, Any], Any, Any], bool]


def _path(operation: dict[str, Any]) -> str:
    return str(operation.get("path", ""))


DIFFERENCES: Final = (
    Difference(
        "A sub-attribute of no element is no target (RFC 7644 table 9, noTarget); theirs changes"
        " nothing.",
        lambda operation, ours, theirs: (
            _path(operation).partition(".")[0] in MULTIPLE and ours in {"noTarget", "invalidValue"}
        ),
    ),
    Difference(
        "To remove what no filter matches is noTarget to the letter (RFC 7644 §3.5.2.2 says nothing"
        " else than table 9); the lenient dialect agrees with theirs.",
        lambda operation, ours, theirs: (
            operation["op"] == "remove" and "[" in _path(operation) and ours == "noTarget"
        ),
    ),
    Difference(
        "A manager need not have a value: RFC 7643 §8.7.1 has it as not required.",
        lambda operation, ours, theirs: (
            _path(operation).endswith("manager.value") and theirs == "mutability"
        ),
    ),
    Difference(
        "An element that is replaced is replaced (RFC 7644 §3.5.2.3, 'the set of values is"
        " replaced'); theirs merges.",
        lambda operation, ours, theirs: (
            operation["op"] == "replace" and _path(operation).endswith("]")
        ),
    ),
    Difference(
        "One operation that makes several elements primary is refused (RFC 7643 §2.4); theirs keeps"
        " the last.",
        lambda operation, ours, theirs: (
            "primary" in str(operation) and ours == "invalidValue" and not isinstance(theirs, str)
        ),
    ),
    Difference(
        "What a value path creates has the filter's terms and the operation's value, as Entra ID"
        " wants it; theirs refuses a value that contradicts the filter.",
        lambda operation, ours, theirs: "[" in _path(operation) and theirs == "invalidValue",
    ),
    Difference(
        "null and [] are what unassigned is (RFC 7643 §2.5), whatever the operation; theirs takes"
        " them for wrong values.",
        lambda operation, ours, theirs: (
            operation.get("value", "") in (None, []) and theirs in {"invalidValue", "noTarget"}
        ),
    ),
)


def _agree(changes: list[dict[str, Any]], ours: Any, theirs: Any) -> bool:
    if isinstance(ours, str) and isinstance(theirs, str):
        # Of several things that are wrong, each names one.
        return ours == theirs or len(changes) > 1 or changes[0].get("value") in MISFITS
    return bool(ours == theirs) or any(
        difference.holds(change, ours, theirs) for change in changes for difference in DIFFERENCES
    )


@pytest.mark.parametrize(("dialect", "policy"), READINGS, ids=["strict", "lenient"])
@given(data=st.data())
@settings(deadline=None)
def test_the_oracle_agrees(dialect: Dialect, policy: ScimPolicy, data: st.DataObject) -> None:
    user = data.draw(USERS, "user")
    strict = dialect is not LENIENT
    changes = data.draw(st.lists(operations(misfits=strict), min_size=1, max_size=3), "changes")
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": changes}
    left = ours(copy.deepcopy(user), copy.deepcopy(body), dialect)
    right = theirs(user, body, policy)
    assert _agree(changes, left, right), f"\nours   {left}\ntheirs {right}"
