"""ServiceProviderConfig, ResourceTypes and Schemas (RFC 7643 §5-7), from the attribute tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.scim import available_roles
from gateway.scim.bulk import MAX_BULK_PAYLOAD
from gateway.scim.listing import MAX_COUNT, ListQuery, list_response
from rollbook.attributes import COMMON_ATTRIBUTES, AttributeType, Returned
from rollbook.limits import MAX_BULK_OPERATIONS
from rollbook.schema_sets import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook.attributes import Attribute, Extension, ResourceType, Schema
    from rollbook.schema_sets import SchemaSet

_CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:"

DEFAULT_COUNT: Final = 100
"""How many resources a page has when the client does not say (as in ListUsersRequest)."""

CURSOR_TIMEOUT: Final = 600
"""For how many seconds a cursor is good at the least (RFC 9865 §4)."""

_CASED: Final = frozenset({AttributeType.STRING, AttributeType.REFERENCE, AttributeType.BINARY})


def service_provider_config(
    base_url: str,
    *,
    documentation_uri: str | None = None,
    interop_profile: bool = False,
    roles: bool = False,
) -> dict[str, object]:
    """What the service offers (RFC 7643 §5, RFC 9865 §4). `base_url` has no trailing slash.

    `interop_profile` says that it conforms to draft-zollner-scim-interop-profile; else there is
    no word of that, as clients that know RFC 7643 alone may refuse members they do not know;
    `roles` whether it tells which roles there are.
    """
    config: dict[str, object] = {"schemas": [f"{_CORE}ServiceProviderConfig"]}
    if documentation_uri:
        config["documentationUri"] = documentation_uri
    config |= {
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            "maxOperations": MAX_BULK_OPERATIONS,
            "maxPayloadSize": MAX_BULK_PAYLOAD,
        },
        "filter": {"supported": True, "maxResults": MAX_COUNT},
        "changePassword": {"supported": True},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A token in the Authorization header",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            },
            {
                "type": "oauth2",
                "name": "OAuth 2",
                "description": "An access token of this server's: /oauth2/authorize, /oauth2/token",
                "specUri": "https://www.rfc-editor.org/info/rfc6749",
            },
            {
                "type": "httpbasic",
                "name": "Basic",
                "description": "User name and password of the provisioning account",
                "specUri": "https://www.rfc-editor.org/info/rfc7617",
            },
        ],
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": DEFAULT_COUNT,
            "maxPageSize": MAX_COUNT,
            "cursorTimeout": CURSOR_TIMEOUT,
        },
        "meta": _meta("ServiceProviderConfig", f"{base_url}/ServiceProviderConfig"),
    }
    if interop_profile:
        config["interopProfileConformant"] = True
    if roles:
        config["RolesAndEntitlements"] = available_roles.ADVERTISED
    return config


@dataclass(frozen=True)
class View:
    """What there is for a client to discover: the schemas of its tenant, and whether those too
    that are unlisted. Clients see addresses under `base_url`, which has no trailing slash."""

    base_url: str
    known: SchemaSet = DEFAULT
    unlisted: bool = False
    roles: bool = False
    """Whether the roles that there are can be read."""

    @property
    def _resource_types(self) -> Sequence[ResourceType]:
        available = available_roles.RESOURCE_TYPES if self.roles else ()
        return (*self.known.resource_types, *available)

    def resource_types(self) -> dict[str, object]:
        """All resource types as a ListResponse, users first (RFC 7644 §4)."""
        return _all([self._resource_type(each) for each in self._resource_types])

    def resource_type(self, name: str) -> dict[str, object] | None:
        """One resource type by its name, in any case; None when there is none."""
        for each in self._resource_types:
            if each.name.lower() == name.lower():
                return self._resource_type(each)
        return None

    def schemas(self) -> dict[str, object]:
        """The schemas of all resource types as a ListResponse (RFC 7644 §4)."""
        return _all([_schema(each, self.base_url) for each in self._by_urn().values()])

    def schema(self, urn: str) -> dict[str, object] | None:
        """One schema by its URN, in any case; None when there is none."""
        found = self._by_urn().get(urn.lower())
        return _schema(found, self.base_url) if found else None

    def _by_urn(self) -> dict[str, Schema]:
        """The schemas by URN in lower case; one that extends several types is there once."""
        return {
            each.urn.lower(): each
            for kind in self._resource_types
            for each in (kind.schema, *(part.schema for part in self._extensions(kind)))
        }

    def _extensions(self, kind: ResourceType) -> list[Extension]:
        return [each for each in kind.extensions if self.unlisted or not each.schema.unlisted]

    def _resource_type(self, kind: ResourceType) -> dict[str, object]:
        """RFC 7643 §6."""
        return {
            "schemas": [f"{_CORE}ResourceType"],
            "id": kind.name,
            "name": kind.name,
            "description": kind.description,
            "endpoint": kind.endpoint,
            "schema": kind.schema.urn,
            "schemaExtensions": [
                {"schema": extension.schema.urn, "required": extension.required}
                for extension in self._extensions(kind)
                if not _is_on_demand(extension)
            ],
            "meta": _meta("ResourceType", f"{self.base_url}/ResourceTypes/{kind.name}"),
        }


def _is_on_demand(extension: Extension) -> bool:
    """Whether there is nothing in an extension that clients could write, or see without asking.
    They take one that a resource type has for writable, so this one is among the schemas alone."""
    return all(
        each.derived and each.returned is Returned.REQUEST for each in extension.schema.attributes
    )


def _all(resources: Sequence[object]) -> dict[str, object]:
    return list_response(ListQuery(), resources, len(resources))


def _meta(kind: str, location: str) -> dict[str, object]:
    return {"resourceType": kind, "location": location}


def _schema(known: Schema, base_url: str) -> dict[str, object]:
    """RFC 7643 §7. The attributes that all resources have are not repeated in each schema."""
    return {
        "schemas": [f"{_CORE}Schema"],
        "id": known.urn,
        "name": known.name,
        "description": known.description,
        "attributes": [
            _attribute(each) for each in known.attributes if each.name not in COMMON_ATTRIBUTES
        ],
        "meta": _meta("Schema", f"{base_url}/Schemas/{known.urn}"),
    }


def _attribute(attribute: Attribute) -> dict[str, object]:
    """The characteristics that mean something for an attribute of its type (RFC 7643 §2.2)."""
    described: dict[str, object] = {
        "name": attribute.name,
        "type": attribute.type,
        "multiValued": attribute.multi_valued,
        "description": attribute.description,
        "required": attribute.required,
    }
    if attribute.type in _CASED:
        described["caseExact"] = attribute.case_exact
    described["mutability"] = attribute.mutability
    described["returned"] = attribute.returned
    # A boolean has no uniqueness (RFC 7643 §2.3.2), nor has an object (RFC Editor erratum 6004).
    if attribute.type not in {AttributeType.BOOLEAN, AttributeType.COMPLEX}:
        described["uniqueness"] = attribute.uniqueness
    if attribute.canonical_values:
        described["canonicalValues"] = attribute.canonical_values
    if attribute.reference_types:
        described["referenceTypes"] = attribute.reference_types
    if attribute.sub_attributes:
        described["subAttributes"] = [_attribute(each) for each in attribute.sub_attributes]
    return described
