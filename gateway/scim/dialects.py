"""The habits of identity providers that Rollbook accepts although RFC 7644 does not, and what it
refuses, if asked to, although RFC 7644 does not.

Each habit is a `Tolerance`, each such refusal a `Restriction`, named and explained here and
nowhere else; docs/dialects.md shows them to administrators. A `Dialect` is what a connection
grants and refuses. While a request is read, its `Reading` answers whether a habit is tolerated
and remembers which ones were met, so that the audit trail can tell an administrator what their
identity provider needs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum, unique
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from rollbook.schema_sets import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollbook.schema_sets import SchemaSet


@unique
class Tolerance(Enum):
    """One habit, with the reason why it is accepted."""

    # Values
    STRING_BOOLEAN = 'Entra ID and OneLogin send booleans as text: "False".'
    STRING_NUMBER = 'Clients with text-only attribute mappings send numbers as text: "7".'
    URL_SAFE_BINARY = "Scripts encode certificates in base64's alphabet for URLs."
    SINGLE_FOR_ARRAY = "OneLogin templates send one object where an array of them is due."
    ARRAY_FOR_SINGLE = "Okta and Entra ID send arrays of one for single values: [true]."
    SCALAR_FOR_COMPLEX = (
        "Entra ID sends the id alone as a manager or a member; others e-mail addresses."
    )
    NULL_ELEMENT = "Templates leave null in an array in place of a value that is missing."
    DUPLICATE_ELEMENT = "Attribute mappings that overlap send the same element twice."
    SEVERAL_PRIMARIES = "Attribute mappings mark several elements as primary; the first is meant."
    MANAGER_ID = "OneLogin templates name the manager as SCIM 1 did: manager.managerId."

    JSON_ROLE = (
        "Entra ID sends the JSON text of an app role in the place of a role's value; it is kept as "
        "it is unless the tenant has a role catalogue, which tells what is meant."
    )

    # Resources
    MISSING_SCHEMAS = "Scripts leave out schemas; the endpoint tells what is meant."
    FOREIGN_SCHEMA = (
        "Entra ID lists a schema of Microsoft's beside that of groups; administrators map "
        "attributes of schemas that do not exist."
    )
    UNDECLARED_EXTENSION = "Entra ID sends extensions that schemas does not list."
    UNKNOWN_ATTRIBUTE = (
        "Administrators map attributes that do not exist; the others must arrive all the same."
    )

    # Names
    LEGACY_SCHEMA_URN = (
        "OneLogin, old Entra ID samples and SCIM 1 connectors name schemas by URNs of SCIM 1 or "
        "misspell those of SCIM 2."
    )
    DOT_AFTER_URN = (
        "Entra ID writes a dot instead of the colon between a schema's URN and an attribute."
    )
    UNQUALIFIED_EXTENSION = (
        "Entra ID names attributes of an extension without its URN: manager eq …"
    )

    # Filters
    FILTER_WHITE_SPACE = (
        "Entra ID and scripts add or leave out spaces in a filter, or use tabs; so does an "
        "example of RFC 7644."
    )
    UNQUOTED_FILTER_VALUE = (
        "PingFederate and the test collections of Entra ID send text in filters without quotes."
    )
    SINGLE_QUOTED_FILTER_VALUE = (
        "Scripts quote text in filters with apostrophes, as an example of RFC 7644 does."
    )
    COMPLEX_FILTER_BY_VALUE = (
        "Entra ID compares a complex attribute as if it were its value: manager eq …"
    )
    VALUE_PATH_COMPARISON = (
        "Entra ID matches users by emails[type eq …].value eq …, which only patch paths allow."
    )
    UNKNOWN_FILTER_ATTRIBUTE = (
        "Entra ID tests a connection by a filter on the matching attribute, even if there is "
        "none of that name; it has no value then."
    )

    # Patches
    OPERATION_CASE = 'Entra ID capitalises operations: "Replace".'
    EMPTY_PATH = 'Scripts send "path": "" for an operation on the resource itself.'
    PATH_AS_KEY = (
        "Entra ID with aadOptscim062020 uses paths as member names of a value: name.familyName."
    )
    READ_ONLY_IN_VALUE = (
        "Okta and authentik send id and other read-only members along in an operation's value."
    )
    REMOVE_WITH_VALUE = (
        "Entra ID, JumpCloud and authentik list the elements to remove in the operation's value."
    )
    VALUE_PATH_CREATES = (
        "Entra ID adds and replaces values of elements that do not exist yet: "
        "emails[type eq …].value."
    )


@unique
class Restriction(Enum):
    """One thing that RFC 7644 allows and the interoperability profile for SCIM 2.0
    (draft-zollner-scim-interop-profile-01) does not."""

    USER_AGENT = "A request says by User-Agent who sends it."
    MEDIA_TYPE = "A body is of the type application/scim+json, not of any JSON."
    CANONICAL_TYPE = (
        "The type of an element is one of those that the schema lists, where it lists any."
    )
    PATH = "Each operation of a patch has a path."
    UNIQUE_PATH = "The operations of a patch have different paths."
    PART_OF_ELEMENT = (
        "A path with a filter ends in a sub-attribute, unless it removes the element: a member "
        "could not be removed otherwise."
    )
    SINGLE_ELEMENT = "The filter of a path selects one element at the most."
    FULL_REPLACEMENT = "Replacing a complex attribute clears what the value leaves out."


_ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

URN_ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "urn:scim:schemas:core:1.0": "",
        "urn:scim:schemas:extension:enterprise:1.0": _ENTERPRISE,
        "urn:scim:schemas:extension:enterprise:1.0:user": _ENTERPRISE,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0user": _ENTERPRISE,
    }
)
"""What `Tolerance.LEGACY_SCHEMA_URN` takes for a registered schema: URN in lower case → the URN
meant, empty for the core schema of whatever resource type is at hand."""


PART_ALIASES: Final[Mapping[str, tuple[Tolerance, str]]] = MappingProxyType(
    {"manager.managerid": (Tolerance.MANAGER_ID, "value")}
)
"""Names in lower case that sub-attributes of a value had elsewhere: the habit that they are, and
the name of the sub-attribute meant."""


JSON_TEXTS: Final[Mapping[str, Tolerance]] = MappingProxyType({"roles": Tolerance.JSON_ROLE})
"""Attributes whose elements may have the JSON text of an object as their value: the habit that
they have. The service reads it."""


@dataclass(frozen=True)
class Dialect:
    """What one kind of client may do beyond the standard, and what it may not do within it."""

    name: str
    tolerances: frozenset[Tolerance]
    restrictions: frozenset[Restriction] = frozenset()
    keeps_unmapped: bool = False
    """Whether attributes that no schema has are kept, where they are not refused."""

    @property
    def is_interop_profile(self) -> bool:
        """Whether it demands all that the interoperability profile does."""
        return not self.tolerances and self.restrictions == frozenset(Restriction)

    def restricts(self, restriction: Restriction) -> bool:
        """Whether it refuses what the standard allows."""
        return restriction in self.restrictions

    def treating_unknown(self, policy: str) -> Dialect:
        """The same, but for what becomes of attributes that no schema has: `ignore`, `keep` or
        `refuse`."""
        habit = {Tolerance.UNKNOWN_ATTRIBUTE}
        tolerances = self.tolerances - habit if policy == "refuse" else self.tolerances | habit
        return replace(self, tolerances=tolerances, keeps_unmapped=policy == "keep")

    def grants(self, habit: Tolerance) -> bool:
        """Whether the habit is accepted, where a request does not show whether it relies on it."""
        return habit in self.tolerances


@dataclass
class Reading:
    """One request being read under a dialect, for a tenant that has these schemas; `met` are the
    tolerances it made use of, and `unmapped` the values to keep, by name, of attributes that no
    schema has; None is to be removed."""

    dialect: Dialect
    met: set[Tolerance] = field(default_factory=set)
    schemas: SchemaSet = DEFAULT
    unmapped: dict[str, object] = field(default_factory=dict)

    def tolerates(self, habit: Tolerance) -> bool:
        """Whether the habit is accepted; if it is, remembers that the request has it."""
        if not self.dialect.grants(habit):
            return False
        self.met.add(habit)
        return True


LENIENT: Final = Dialect("lenient", frozenset(Tolerance))
"""Whatever any client is known to do; what a connection has unless it names another."""

STRICT: Final = Dialect("strict", frozenset(), frozenset(Restriction))
"""RFC 7643, RFC 7644 and the interoperability profile to the letter."""

# What an administrator's attribute mappings lead to, whichever identity provider runs them.
_MAPPINGS: Final = frozenset(
    {
        Tolerance.STRING_NUMBER,
        Tolerance.DUPLICATE_ELEMENT,
        Tolerance.SEVERAL_PRIMARIES,
        Tolerance.FOREIGN_SCHEMA,
        Tolerance.UNKNOWN_ATTRIBUTE,
    }
)

OKTA: Final = Dialect(
    "okta", _MAPPINGS | {Tolerance.ARRAY_FOR_SINGLE, Tolerance.READ_ONLY_IN_VALUE}
)
"""What Okta does, and nothing else."""

ENTRA: Final = Dialect(
    "entra",
    _MAPPINGS
    | {
        Tolerance.STRING_BOOLEAN,
        Tolerance.JSON_ROLE,
        Tolerance.ARRAY_FOR_SINGLE,
        Tolerance.SCALAR_FOR_COMPLEX,
        Tolerance.UNDECLARED_EXTENSION,
        Tolerance.LEGACY_SCHEMA_URN,
        Tolerance.DOT_AFTER_URN,
        Tolerance.UNQUALIFIED_EXTENSION,
        Tolerance.FILTER_WHITE_SPACE,
        Tolerance.UNQUOTED_FILTER_VALUE,
        Tolerance.COMPLEX_FILTER_BY_VALUE,
        Tolerance.VALUE_PATH_COMPARISON,
        Tolerance.UNKNOWN_FILTER_ATTRIBUTE,
        Tolerance.OPERATION_CASE,
        Tolerance.PATH_AS_KEY,
        Tolerance.REMOVE_WITH_VALUE,
        Tolerance.VALUE_PATH_CREATES,
    },
)
"""What Entra ID does, and nothing else."""

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {dialect.name: dialect for dialect in (LENIENT, OKTA, ENTRA, STRICT)}
)
"""Every dialect that a connection may name."""
