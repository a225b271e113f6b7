"""What operations on `members` become: steps on sets of ids."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from google.protobuf import json_format

from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.patch_pb2 import PatchOperation
from service.domain import membership
from service.domain.errors import DomainError
from service.domain.membership import Add, Remove, RemoveMatching, Replace
from service.storage.members import MemberChanges

A, B = "01890000-0000-7000-8000-00000000000a", "01890000-0000-7000-8000-00000000000b"


def equals(name: str, operand: str) -> dict[str, Any]:
    return {
        "comparison": {
            "path": {"attribute": name},
            "operator": "COMPARISON_OPERATOR_EQUAL",
            "value": {"string": operand},
        }
    }


def operation(op: str, ids: list[str] | None = None, **path: Any) -> PatchOperation:
    content: dict[str, Any] = {
        "op": f"PATCH_OP_{op}",
        "path": {"attribute": {"attribute": "members"}, **path},
    }
    if ids is not None:
        content["group"] = {"members": [{"value": i} for i in ids]}
    return json_format.ParseDict(content, PatchOperation())


@pytest.mark.parametrize(
    ("given", "step"),
    [
        (operation("ADD", [A, B, A]), Add([UUID(A), UUID(B)])),
        (operation("REPLACE", [A]), Replace([UUID(A)])),
        (operation("REPLACE", []), Replace([])),
        (operation("REMOVE"), Replace(())),
        (operation("REMOVE", [A, "no-id"]), Remove([UUID(A)])),
        (operation("REMOVE", filter=equals("value", A)), Remove([UUID(A)])),
        (
            operation(
                "REMOVE", filter={"or": {"filters": [equals("value", A), equals("value", B)]}}
            ),
            Remove([UUID(A), UUID(B)]),
        ),
        (operation("REMOVE", filter=equals("value", "nobody")), Remove([])),
        (operation("ADD", [], filter=equals("value", A)), Add([UUID(A)])),
    ],
)
def test_step(given: PatchOperation, step: membership.Step) -> None:
    assert membership.split([given]) == ([], [step])


def test_a_condition_on_more_than_the_id_is_kept() -> None:
    _, (step,) = membership.split([operation("REMOVE", filter=equals("type", "User"))])
    assert isinstance(step, RemoveMatching)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (operation("ADD", ["nobody"]), "INVALID_VALUE"),
        (operation("ADD", [""]), "INVALID_VALUE"),
        (operation("ADD"), "INVALID_VALUE"),
        (
            operation("REPLACE", [A], attribute={"attribute": "members", "subAttribute": "value"}),
            "MUTABILITY",
        ),
    ],
)
def test_refusal(wrong: PatchOperation, reason: str) -> None:
    with pytest.raises(DomainError) as refused:
        membership.split([wrong])
    assert refused.value.reason == ErrorReason.Value(f"ERROR_REASON_{reason}")


def test_other_operations_keep_their_order() -> None:
    rename = json_format.ParseDict(
        {
            "op": "PATCH_OP_REPLACE",
            "path": {"attribute": {"attribute": "displayName"}},
            "group": {"displayName": "G"},
        },
        PatchOperation(),
    )
    others, steps = membership.split([rename, operation("ADD", [A]), rename])
    assert others == [rename, rename]
    assert steps == [Add([UUID(A)])]


def test_who_comes_and_goes_has_not_changed() -> None:
    changes = MemberChanges()
    changes.add([UUID(A)])
    changes.remove([UUID(A), UUID(B)])
    changes.add([UUID(B)])
    assert not changes


@pytest.mark.parametrize(
    "text", ["", A.upper(), A.replace("-", ""), "{" + A + "}", "é" * 36, A + "0"]
)
def test_only_the_canonical_form_is_an_id(text: str) -> None:
    assert membership.parse_id(text) is None
    assert membership.parse_id(A) == UUID(A)
