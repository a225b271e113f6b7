"""Conditions as SQL: the answers of `service.domain.search.matching`, by an index if there is one.

The expressions are over the alias `r` of `resources`. Names come from the attribute tables,
operands are parameters. A missing value makes a comparison NULL, which AND, OR and WHERE take
for false, and a negation is `IS NOT TRUE`: so logic is two-valued without a COALESCE, which
would keep indexes from being used.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import orjson

from service.domain.search.conditions import (
    TRUE,
    And,
    Condition,
    Constant,
    Element,
    Not,
    Operator,
    Or,
    Path,
    Present,
    Test,
)
from service.storage.search import membership_sql
from service.storage.search.comparison_sql import (
    Parameters,
    compare,
    is_present,
    key_starts_with,
    starts_with,
)
from service.storage.search.document import DISPLAY_NAME, ROWS
from service.storage.search.search_sql import (
    MANAGER_NAME,
    OWNER_NAME,
    RESOURCES,
    Kind,
    column_value,
    document_value,
    json_at,
    resource_value,
)
from service.storage.search.selectivity import has_many_values, is_selective

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from uuid import UUID

    from service.domain.search.conditions import Leaf
    from service.storage.search.search_sql import Value

_INTEGER_LIMIT: Final = 1 << 63


def where(
    condition: Condition,
    tenant_id: UUID,
    parameters: list[object],
    *,
    indexed: bool | None = None,
) -> str:
    """The condition as a boolean expression over `r`, a row of `RESOURCES`; NULL counts as false.

    Operands are appended to `parameters`, which may hold others before. The statement restricts
    `r.tenant_id` and, unless it is for several types, `r.resource_type` itself. `indexed` says
    whether indexes on values may serve it, by default when it is selective; the planner cannot
    tell, since it knows little about what JSON contains.
    """
    if indexed is None:
        indexed = is_selective(condition)
    return _Writer(tenant_id, Parameters(parameters)).resource(condition, indexed=indexed)


def where_member(condition: Condition, tenant_id: UUID, parameters: list[object]) -> str:
    """As `where`, for a condition on one member of a group: an expression over `members AS m` and
    the row `p` of `RESOURCES` that is the member."""
    writer = _Writer(tenant_id, Parameters(parameters))
    return writer.on_row(condition, membership_sql.MEMBER)


class _Writer:
    """One condition being written."""

    def __init__(self, tenant_id: UUID, parameters: Parameters) -> None:
        self._tenant_id = tenant_id
        self._parameters = parameters
        self._tenant_parameter = ""

    def resource(self, condition: Condition, *, indexed: bool) -> str:
        """A condition on a resource; `indexed` where an index could serve it, which is nowhere
        below a negation."""
        match condition:
            case And(parts):
                return _join("AND", (self.resource(part, indexed=indexed) for part in parts))
            case Or(parts):
                return _join("OR", (self.resource(part, indexed=indexed) for part in parts))
            case Not(inner):
                return f"({self.resource(inner, indexed=False)}) IS NOT TRUE"
            case Element(path, inner):
                return self._element(path, inner, indexed=indexed)
            case Test() if indexed:
                return self._by_index(condition) or self._leaf(condition, resource_value)
        return self._leaf(condition, resource_value)

    def _within(self, condition: Condition, leaf: Callable[[Leaf], str]) -> str:
        """A condition on an element or another row; `leaf` writes what has no parts."""
        match condition:
            case And(parts):
                return _join("AND", (self._within(part, leaf) for part in parts))
            case Or(parts):
                return _join("OR", (self._within(part, leaf) for part in parts))
            case Not(inner):
                return f"({self._within(inner, leaf)}) IS NOT TRUE"
            case Element(path, inner):
                return self._exists(json_at("e.item", path.names), inner)
        return leaf(condition)

    def _leaf(self, condition: Leaf, values: Callable[[Path], Value]) -> str:
        match condition:
            case Constant(value):
                return "TRUE" if value else "FALSE"
            case Present(path):
                return is_present(values(path))
            case Test(path, operator, operand):
                return compare(values(path), operator, operand, self._parameters)

    def _by_index(self, test: Test) -> str | None:
        """A comparison of a single value in the form that an index serves; None without one."""
        column = column_value(test.path)
        match test.operator, test.operand:
            case Operator.EQUAL, _ if column is None and has_many_values(test):
                return self._contains("r", _nested(test.path.names, test.operand))
            case Operator.EQUAL, str(name) if test.path.names in (MANAGER_NAME, OWNER_NAME):
                people = f"p.tenant_id = {self._tenant()} AND {self._display_is('p', name)}"
                # As an array they are found first, and few are expected.
                return (
                    f"r.manager_id = ANY (ARRAY (SELECT p.id FROM {RESOURCES} AS p WHERE {people}))"
                )
            case Operator.STARTS_WITH, str(prefix) if column is None:
                text = document_value("r.search", test.path).sql
                return key_starts_with(text, prefix, self._parameters)
            case Operator.STARTS_WITH, str(prefix) if column and column.kind is Kind.TEXT:
                return starts_with(column.sql, prefix, self._parameters)
        return None

    def _tenant(self) -> str:
        if not self._tenant_parameter:
            self._tenant_parameter = self._parameters.add(self._tenant_id, "uuid")
        return self._tenant_parameter

    def _contains(self, alias: str, document: object, *, indexed: bool = True) -> str:
        """True when the search document contains another one; the index holds documents under
        their tenants."""
        if indexed:
            held = f"tenant_document({alias}.tenant_id, {alias}.search)"
            document = {str(self._tenant_id): document}
        else:
            held = f"{alias}.search"
        return f"{held} @> {self._parameters.add(orjson.dumps(document).decode(), 'jsonb')}"

    def _element(self, path: Path, condition: Condition, *, indexed: bool) -> str:
        """True when an element of a multi-valued attribute meets the condition. What this demands
        by `eq` and `and` is an example that the search document must contain."""
        if path.names[0] in ROWS:
            return self._row(path.names[0], condition)
        if condition == TRUE:
            return f"({json_at('r.search', path.names)}) IS NOT NULL"
        if isinstance(condition, Or):
            # Each alternative may be served by an index.
            parts = condition.conditions
            return _join("OR", (self._element(path, part, indexed=indexed) for part in parts))
        terms = condition.conditions if isinstance(condition, And) else (condition,)
        equal = [t for t in terms if isinstance(t, Test) and t.operator is Operator.EQUAL]
        selective = any(has_many_values(test) for test in equal)
        # One element cannot be an example of two values for one attribute.
        whole = len(terms) == len({test.path.names for test in equal})
        exists = "" if whole else self._exists(json_at("r.search", path.names), condition)
        if not whole and not selective:
            return exists
        example = _nested(path.names, [_example(equal)])
        contains = self._contains("r", example, indexed=indexed and selective)
        return f"({contains} AND {exists})" if exists else contains

    def _exists(self, array: str, condition: Condition) -> str:
        def leaf(condition: Leaf) -> str:
            return self._leaf(condition, lambda path: document_value("e.item", path))

        inner = self._within(condition, leaf)
        return f"EXISTS (SELECT FROM jsonb_array_elements({array}) AS e (item) WHERE {inner})"

    def _row(self, name: str, condition: Condition) -> str:
        """True when a member, or a group that the resource is in, meets the condition."""
        if name == "members":
            return membership_sql.has_member(condition, self.on_row)
        return membership_sql.is_in_group(condition, self.on_row, self._tenant)

    def on_row(self, condition: Condition, values: Mapping[str, Value]) -> str:
        """A condition on the row `p` of a member or group."""

        def leaf(condition: Leaf) -> str:
            match condition:
                case Test(Path(("display",)), Operator.EQUAL, str(name)):
                    return self._display_is("p", name)
            return self._leaf(condition, lambda path: values[path.names[0]])

        return self._within(condition, leaf)

    def _display_is(self, alias: str, name: str) -> str:
        """True when what others show of a resource is that; from the index of what it is."""
        return self._contains(alias, _nested((DISPLAY_NAME,), name))


def _join(word: str, parts: Iterable[str]) -> str:
    return f"({f' {word} '.join(parts)})"


def _example(tests: Iterable[Test]) -> object:
    """The least element that meets the tests: a value, or an object of some."""
    example: dict[str, object] = {}
    for test in tests:
        if not test.path.names:
            return _nested((), test.operand)
        example[test.path.names[0]] = _nested(test.path.names[1:], test.operand)
    return example


def _nested(names: Sequence[str], content: object) -> object:
    """The document in which the names lead to the content."""
    if isinstance(content, Decimal):
        content = _number(content)
    for name in reversed(names):
        content = {name: content}
    return content


def _number(operand: Decimal) -> int | float:
    """An operand as a number of JSON; it was made from an int64 or from a double."""
    integer = int(operand)
    fits = integer == operand and -_INTEGER_LIMIT <= integer < _INTEGER_LIMIT
    return integer if fits else float(operand)
