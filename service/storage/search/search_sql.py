"""SQL expressions for the values of a resource, over the alias `r` of its row.

Names come from the attribute tables and are quoted; operands are no business of this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from rollbook.attributes import USER, AttributeType
from rollbook.v1 import attribute_pb2
from rollbook.v1.origin_pb2 import Origin
from service.storage.search.document import DISPLAY_NAME, has_column

if TYPE_CHECKING:
    from service.domain.search.conditions import Path


class Kind(Enum):
    """The type of an expression, which says how it is compared."""

    TEXT = auto()
    BOOLEAN = auto()
    NUMBER = auto()
    TIME = auto()
    UUID = auto()
    OBJECT = auto()


RESOURCES: Final = "tenant_resources"
MEMBERS: Final = "tenant_members"
"""What filters select from: `resources` and `members` under row-level security, with the use of
every index. One table in the place of a view, and a statement loses that: see
`service.storage.isolation`."""


@dataclass(frozen=True, slots=True)
class Value:
    """An expression that is NULL when there is no value, which `nullable` says can be."""

    sql: str
    kind: Kind
    nullable: bool = True


_KINDS: Final = {
    # Moments are kept as texts whose order is that of time, binary values as base64.
    AttributeType.STRING: Kind.TEXT,
    AttributeType.REFERENCE: Kind.TEXT,
    AttributeType.DATE_TIME: Kind.TEXT,
    AttributeType.BINARY: Kind.TEXT,
    AttributeType.BOOLEAN: Kind.BOOLEAN,
    AttributeType.INTEGER: Kind.NUMBER,
    AttributeType.DECIMAL: Kind.NUMBER,
}


def json_at(document: str, names: tuple[str, ...]) -> str:
    """The JSON value at the end of the names; the document itself without any."""
    return "".join((document, *(f" -> {literal(name)}" for name in names)))


def text_at(document: str, names: tuple[str, ...]) -> str:
    """The simple value at the end of the names as text; the document itself without any."""
    if not names:
        return f"{document} #>> '{{}}'"
    return f"{json_at(document, names[:-1])} ->> {literal(names[-1])}"


def literal(name: str) -> str:
    """A name as an SQL string literal."""
    return "'" + name.replace("'", "''") + "'"


def display(alias: str) -> str:
    """The folded form of the column `display`: what others show of a resource."""
    return text_at(f"{alias}.search", (DISPLAY_NAME,))


MANAGER_NAME: Final = next(
    (extension.schema.urn, "manager", "displayName")
    for extension in USER.extensions
    if extension.schema.attribute("manager")
)
"""The path to the name of a user's manager, which is read from the manager's row."""

OWNER_NAME: Final = ("owner", "display")
"""The path to the name of a service account's owner, which is read likewise."""


def _of_responsible(sql: str, kind: Kind) -> Value:
    """What the row `p` of the user who answers for a resource holds."""
    return Value(
        f"(SELECT {sql} FROM {RESOURCES} AS p"
        " WHERE p.tenant_id = r.tenant_id AND p.id = r.manager_id)",
        kind,
    )


_ORIGIN: Final[str] = Origin.DESCRIPTOR.GetOptions().Extensions[attribute_pb2.schema].urn
"""The extension that every resource has, and whose values are columns."""

ORIGIN: Final = (_ORIGIN, "origin")
"""The path to who manages a resource."""

_COLUMNS: Final = {
    ("id",): Value("r.id", Kind.UUID, nullable=False),
    ("externalId",): Value("r.external_id", Kind.TEXT),
    ("meta",): Value("r.id", Kind.UUID, nullable=False),
    ("meta", "resourceType"): Value("r.resource_type", Kind.TEXT, nullable=False),
    ("meta", "created"): Value("r.create_time", Kind.TIME, nullable=False),
    ("meta", "lastModified"): Value("r.update_time", Kind.TIME, nullable=False),
    ("meta", "version"): Value("""('W/"' || r.version || '"')""", Kind.TEXT, nullable=False),
    MANAGER_NAME: _of_responsible(display("p"), Kind.TEXT),
    OWNER_NAME: _of_responsible(display("p"), Kind.TEXT),
    ("owner", "active"): _of_responsible("p.active", Kind.BOOLEAN),
    ORIGIN: Value("r.origin", Kind.TEXT, nullable=False),
    (_ORIGIN,): Value("r.id", Kind.UUID, nullable=False),
}


def column_value(path: Path) -> Value | None:
    """The column, or the value of another row, that a path of a resource leads to; None when
    it leads into the search document."""
    if len(path.names) == 1 and path.names not in _COLUMNS and has_column(path.attribute):
        return Value("r.unique_key", Kind.TEXT, nullable=not path.attribute.required)
    return _COLUMNS.get(path.names)


def resource_value(path: Path) -> Value:
    """The value at a path of a resource."""
    return column_value(path) or document_value("r.search", path)


def document_value(document: str, path: Path) -> Value:
    """The value at a path of a JSON document."""
    kind = _KINDS.get(path.attribute.type, Kind.OBJECT)
    if kind is Kind.OBJECT:
        return Value(f"({json_at(document, path.names)})", kind)
    cast = {Kind.BOOLEAN: "::boolean", Kind.NUMBER: "::numeric"}.get(kind, "")
    return Value(f"({text_at(document, path.names)}){cast}", kind)


def text_key(text: str) -> str:
    """A text as a key of which a missing one is the greatest of all: `0…`, or `1`.

    The key is never NULL, so an index on it serves a page of an ordered list wherever the page
    begins; the same index serves prefixes.
    """
    return f"""(coalesce('0' || {text}, '1')) COLLATE "C\""""
