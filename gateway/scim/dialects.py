"""The habits of identity providers that Rollbook accepts although RFC 7644 does not.

Each habit is a `Tolerance`, named and explained here and nowhere else. A `Dialect` is the set
of tolerances that a connection grants. While a request is read, its `Reading` answers whether
a habit is tolerated and remembers which ones were met, so that the audit trail can tell an
administrator what their identity provider needs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, unique
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@unique
class Tolerance(Enum):
    """One habit, with the reason why it is accepted."""

    # Values
    STRING_BOOLEAN = 'Entra ID and OneLogin send booleans as text: "False".'
    STRING_NUMBER = 'Clients with text-only attribute mappings send numbers as text: "7".'

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
        "Clients leave out spaces between the words of a filter, or add tabs and spaces at its "
        "ends; so does an example of RFC 7644."
    )
    UNQUOTED_FILTER_VALUE = (
        "PingFederate and Microsoft's test collections send text in filters without quotes."
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
        "Connection tests filter by whatever attribute an administrator has mapped; one that "
        "does not exist has no value."
    )

    # Patches
    OPERATION_CASE = 'Entra ID capitalises operations: "Replace".'
    MISSING_MESSAGE_SCHEMA = (
        "Scripts leave out the schemas of a message, or name those of another one."
    )
    EMPTY_PATH = 'Scripts send "path": "" for an operation on the resource itself.'
    UNKNOWN_PATCH_ATTRIBUTE = (
        "Entra ID and authentik patch attributes that an administrator has mapped and that do "
        "not exist; the others must be changed all the same."
    )
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


URN_ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "urn:scim:schemas:core:1.0": "",
        "urn:scim:schemas:extension:enterprise:1.0": (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
        ),
        "urn:scim:schemas:extension:enterprise:1.0:user": (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
        ),
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0user": (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
        ),
    }
)
"""What `Tolerance.LEGACY_SCHEMA_URN` takes for a registered schema: URN in lower case → the URN
meant, empty for the core schema of whatever resource type is at hand."""


@dataclass(frozen=True)
class Dialect:
    """What one kind of client may do beyond the standard."""

    name: str
    tolerances: frozenset[Tolerance]

    def grants(self, habit: Tolerance) -> bool:
        """Whether the habit is accepted, where a request does not show whether it relies on it."""
        return habit in self.tolerances


@dataclass
class Reading:
    """One request being read under a dialect; `met` are the tolerances it made use of."""

    dialect: Dialect
    met: set[Tolerance] = field(default_factory=set)

    def tolerates(self, habit: Tolerance) -> bool:
        """Whether the habit is accepted; if it is, remembers that the request has it."""
        if not self.dialect.grants(habit):
            return False
        self.met.add(habit)
        return True


LENIENT: Final = Dialect("lenient", frozenset(Tolerance))
STRICT: Final = Dialect("strict", frozenset())
