"""PATCH bodies: whatever a client sends becomes operations on single targets, or its error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scim import json_text
from gateway.scim.dialects import DIALECTS, Reading
from gateway.scim.errors import ScimError
from gateway.scim.patch import operations_from_scim
from rollbook.attributes import RESOURCE_TYPES
from rollbook.v1.patch_pb2 import PatchOp, PatchOperation

_KINDS = {each.name: each for each in RESOURCE_TYPES}
_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_TARGETS = [
    *("userName", "title", "active", "name", "name.givenName", "emails", "emails.value"),
    *('emails[type eq "work"]', 'emails[type eq "work"].value', "roles[primary eq true].value"),
    *("id", "meta", "meta.created", "groups", "schemas", "password", "x509Certificates"),
    *(_ENTERPRISE, f"{_ENTERPRISE}:manager", f"{_ENTERPRISE}.manager.value", "department"),
    *("members", 'members[value eq "7"]', "members.display", "displayName", "nope", ""),
]
_KEYS = [*_TARGETS, "value", "type", "primary", "$ref", "display", "Value", "givenName", "manager"]
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(["", "True", "7", "../Users/7", "2026-01-31T00:00:00Z", "TUlJ", "\0"]),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4)
    ),
    max_leaves=8,
)
_OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "replace", "remove", "Replace", "zz"]) | _SCALARS},
    optional={"path": st.sampled_from(_TARGETS) | _SCALARS, "value": _VALUES},
)
_BODIES = st.one_of(
    st.fixed_dictionaries({"Operations": st.lists(_OPERATIONS, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"operations": _VALUES}),
    _VALUES,
)


def _read(body: object, kind: str, dialect: str) -> list[PatchOperation]:
    """The operations; none when the body is the client's error."""
    message = json_text.loads(json.dumps(body).encode())
    try:
        return operations_from_scim(message, _KINDS[kind], Reading(DIALECTS[dialect]))
    except ScimError as error:
        return [] if error.status == 400 and error.scim_type else pytest.fail(str(error.body()))


def _assigned(resource: Any) -> list[str]:
    """The SCIM names of what is set in a partial resource, in its extensions as well."""
    return [field.json_name for field, _ in resource.ListFields()]


@pytest.mark.parametrize("dialect", ["lenient", "strict"])
@pytest.mark.parametrize("kind", _KINDS)
@given(body=_BODIES)
def test_an_operation_assigns_its_target_alone(body: object, kind: str, dialect: str) -> None:
    if isinstance(body, dict):
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], **body}
    for operation in _read(body, kind, dialect):
        path = operation.path.attribute
        assert path.attribute or path.schema
        field = operation.WhichOneof("value")
        if field is None:
            assert operation.op == PatchOp.PATCH_OP_REMOVE
            continue
        resource = getattr(operation, field)
        if path.schema:
            assert set(_assigned(resource)) <= {"enterprise"}
            resource = resource.enterprise
        assert set(_assigned(resource)) <= {path.attribute}
