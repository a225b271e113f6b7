"""The habits of identity providers that Rollbook accepts although RFC 7644 does not.

Each habit is a `Tolerance`, named and explained here and nowhere else. A `Dialect` is the set
of tolerances that a connection grants. While a request is read, its `Reading` answers whether
a habit is tolerated and remembers which ones were met, so that the audit trail can tell an
administrator what their identity provider needs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final


class Tolerance(Enum):
    """One habit, with the reason why it is accepted."""

    STRING_BOOLEAN = "Entra ID and OneLogin send booleans as text: \"False\"."
    # … further members, each with its sentence


@dataclass(frozen=True)
class Dialect:
    """What one kind of client may do beyond the standard."""

    name: str
    tolerances: frozenset[Tolerance]


@dataclass
class Reading:
    """One request being read under a dialect; `met` are the tolerances it made use of."""

    dialect: Dialect
    met: set[Tolerance] = field(default_factory=set)

    def tolerates(self, habit: Tolerance) -> bool:
        """Whether the habit is accepted; if it is, remembers that the request has it."""
        if habit not in self.dialect.tolerances:
            return False
        self.met.add(habit)
        return True


LENIENT: Final = Dialect("lenient", frozenset(Tolerance))
STRICT: Final = Dialect("strict", frozenset())
