"""Operations on the directory in words that belong to neither protocol.

Resources are written as SCIM JSON; `@name` stands for the id of the resource known by that
name. Filters and patch paths are written as the parts that both protocols need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Document = dict[str, Any]
Kind = Literal["User", "Group", "ServiceAccount"]

NO_VALUE: Final = object()
"""The value of a change that has none."""


@dataclass(frozen=True)
class Target:
    """What a change is made to: `where` are equality terms that select elements."""

    attribute: str = ""
    sub_attribute: str = ""
    schema: str = ""
    where: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Change:
    """One operation of a patch."""

    op: Literal["add", "replace", "remove"]
    target: Target
    value: Any = NO_VALUE


@dataclass(frozen=True)
class Comparison:
    """One comparison of a filter, e.g. `Comparison("userName", "eq", "ada")`; the attribute may
    be dotted and of an extension."""

    attribute: str
    operator: str
    value: Any = NO_VALUE
    schema: str = ""


@dataclass(frozen=True)
class Listing:
    """What to list, in which order, and which part of it."""

    where: tuple[Comparison, ...] = ()
    order_by: str = ""
    descending: bool = False
    start: int = 1
    count: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of an operation: a reason of the contract when it failed, else the resource (of
    a write or read) or the resources (of a list)."""

    reason: str = ""
    detail: str = ""
    resource: Document | None = None
    resources: tuple[Document, ...] = ()
    total: int | None = None

    @property
    def etag(self) -> str:
        """The entity tag of the resource."""
        assert self.resource is not None, self
        return str(self.resource["meta"]["version"])

    @property
    def id(self) -> str:
        """The id of the resource."""
        assert self.resource is not None, self
        return str(self.resource["id"])


@dataclass
class Names:
    """Which name stands for which id."""

    ids: dict[str, str] = field(default_factory=dict)

    def resolved(self, value: Any) -> Any:
        """The value with every `@name` replaced by the id; KeyError for a name not known."""
        return _replaced(value, lambda text: self.ids[text[1:]] if text.startswith("@") else text)

    def named(self, value: Any) -> Any:
        """The value with every known id replaced by its `@name`."""
        names = {known: f"@{name}" for name, known in self.ids.items()}
        return _replaced(value, lambda text: names.get(text, text))


def _replaced(value: Any, replace: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return replace(value)
    if isinstance(value, Mapping):
        return {name: _replaced(part, replace) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(part, replace) for part in value]
    return value
