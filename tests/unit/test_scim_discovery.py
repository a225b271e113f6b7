"""Discovery says what the attribute tables say, in the form that clients expect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.scim.discovery import View, service_provider_config
from gateway.scim.listing import LIST_RESPONSE_SCHEMA
from rollbook.attributes import GROUP, RESOURCE_TYPES, SERVICE_ACCOUNT, USER
from rollbook.v1 import attribute_pb2
from rollbook.v1.unmapped_attributes_pb2 import UnmappedAttributes

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE_URL = "https://id.acme.example/scim/v2"
REFERENCE = json.loads((Path(__file__).parents[1] / "golden/scim-attributes.json").read_text())

_MEMBERS = ["User", "Group", "ServiceAccount"]

# Where we differ from the characteristics of RFC 7643 §8.7.1 as corrected in the reference.
DIFFERENCES: dict[str, dict[str, tuple[object, object]]] = {
    # Identifiers are compared exactly, as RFC 7643 §3.1 says of id.
    "EnterpriseUser.manager.value": {"caseExact": (False, True)},
    "Group.members.value": {"caseExact": (False, True)},
    # Service accounts belong to groups as users do.
    "Group.members.$ref": {"referenceTypes": (_MEMBERS[:2], _MEMBERS)},
    "Group.members.type": {"canonicalValues": (_MEMBERS[:2], _MEMBERS)},
    "User.groups.value": {"caseExact": (False, True)},
}


def characteristics(
    attributes: list[dict[str, Any]], prefix: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every attribute and sub-attribute by its path, without descriptions."""
    for attribute in attributes:
        path = f"{prefix}.{attribute['name']}"
        yield (
            path,
            {k: v for k, v in attribute.items() if k not in {"description", "subAttributes"}},
        )
        yield from characteristics(attribute.get("subAttributes", []), path)


def all_of(schemas: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        path: values
        for schema in schemas
        for path, values in characteristics(schema["attributes"], schema["name"])
    }


def as_sent(body: object) -> Any:
    return json.loads(json.dumps(body))


def nulls(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(nulls, value.values()))
    return any(map(nulls, value)) if isinstance(value, list) else value is None


def test_schemas_are_those_of_the_reference() -> None:
    ours = all_of(as_sent(View(BASE_URL).schemas())["Resources"])
    reference = all_of(REFERENCE["schemas"])
    # An attribute of our own is no difference: the contract may grow by a line.
    assert ours.keys() >= reference.keys()
    differing = {
        path: {
            name: (values.get(name), ours[path].get(name))
            for name in values.keys() | ours[path].keys()
            if values.get(name) != ours[path].get(name)
        }
        for path, values in reference.items()
    }
    assert {path: found for path, found in differing.items() if found} == DIFFERENCES


def test_the_list_of_schemas_has_the_form_that_entra_reads() -> None:
    body = as_sent(View(BASE_URL).schemas())
    assert body["schemas"] == [LIST_RESPONSE_SCHEMA]
    assert body["totalResults"] == body["itemsPerPage"] == len(body["Resources"]) == 5
    assert body["startIndex"] == 1
    assert not nulls(body)
    for schema in body["Resources"]:
        assert schema["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:Schema"]
        assert schema["meta"] == {
            "resourceType": "Schema",
            "location": f"{BASE_URL}/Schemas/{schema['id']}",
        }
        assert all(attribute["description"] for attribute in schema["attributes"])
    assert body["Resources"][0]["description"] == "User Account"


@pytest.mark.parametrize("kind", RESOURCE_TYPES)
def test_common_attributes_are_not_repeated_in_schemas(kind: Any) -> None:
    schema: Any = View(BASE_URL).schema(kind.schema.urn)
    names = {attribute["name"] for attribute in schema["attributes"]}
    assert not names & {"id", "externalId", "meta", "schemas"}


def test_one_schema_is_found_in_any_case() -> None:
    found = View(BASE_URL).schema(USER.schema.urn.upper())
    assert as_sent(found) == as_sent(View(BASE_URL).schemas())["Resources"][0]
    assert View(BASE_URL).schema("urn:nope") is None


def test_resource_types_begin_with_users() -> None:
    body = as_sent(View(BASE_URL).resource_types())
    assert body["schemas"] == [LIST_RESPONSE_SCHEMA]
    assert body["Resources"] == [
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": "User",
            "name": "User",
            "description": "User Account",
            "endpoint": "/Users",
            "schema": USER.schema.urn,
            "schemaExtensions": [
                {"schema": USER.extensions[0].schema.urn, "required": False},
            ],
            "meta": {
                "resourceType": "ResourceType",
                "location": f"{BASE_URL}/ResourceTypes/User",
            },
        },
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": "Group",
            "name": "Group",
            "description": "Group",
            "endpoint": "/Groups",
            "schema": GROUP.schema.urn,
            "schemaExtensions": [],
            "meta": {
                "resourceType": "ResourceType",
                "location": f"{BASE_URL}/ResourceTypes/Group",
            },
        },
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": "ServiceAccount",
            "name": "ServiceAccount",
            "description": "Account of a program",
            "endpoint": "/ServiceAccounts",
            "schema": SERVICE_ACCOUNT.schema.urn,
            "schemaExtensions": [],
            "meta": {
                "resourceType": "ResourceType",
                "location": f"{BASE_URL}/ResourceTypes/ServiceAccount",
            },
        },
    ]


def test_one_resource_type_is_found_in_any_case() -> None:
    found: Any = View(BASE_URL).resource_type("group")
    assert found["name"] == "Group"
    assert View(BASE_URL).resource_type("Printer") is None


def test_the_service_provider_config_has_what_it_must() -> None:
    body: Any = service_provider_config(BASE_URL)
    for feature in ("patch", "filter", "changePassword", "sort", "etag"):
        assert body[feature]["supported"] is True
    assert body["bulk"]["supported"] is True
    assert body["bulk"]["maxOperations"] == 1000
    assert body["filter"]["maxResults"] == 1000
    assert [scheme["type"] for scheme in body["authenticationSchemes"]] == [
        "oauthbearertoken",
        "oauth2",
        "httpbasic",
    ]
    assert body["pagination"]["defaultPaginationMethod"] == "index"
    assert body["meta"] == {
        "resourceType": "ServiceProviderConfig",
        "location": f"{BASE_URL}/ServiceProviderConfig",
    }
    assert not nulls(body)


def test_the_documentation_is_named_when_there_is_some() -> None:
    uri = "https://id.acme.example/docs"
    assert "documentationUri" not in service_provider_config(BASE_URL)
    body = service_provider_config(BASE_URL, documentation_uri=uri)
    assert body["documentationUri"] == uri


def test_what_is_kept_is_shown_where_it_is() -> None:
    urn = UnmappedAttributes.DESCRIPTOR.GetOptions().Extensions[attribute_pb2.schema].urn
    for unlisted in (False, True):
        view = View(BASE_URL, unlisted=unlisted)
        assert (view.schema(urn) is not None) is unlisted
        for kind in as_sent(view.resource_types())["Resources"]:
            assert (urn in [each["schema"] for each in kind["schemaExtensions"]]) is unlisted
