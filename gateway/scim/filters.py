"""SCIM filter text → `Filter` messages (RFC 7644 §3.4.2.2).

A recursive descent over tokens, typed as it goes: names are looked up in the attribute tables
and literals become values of their attribute's type, so that a `Filter` holds nothing that
depends on how a client writes things. Whether an operator fits a type is the service's to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.scim.comparisons import OPERATORS, PRESENT, Context, comparison, negation
from gateway.scim.dialects import Tolerance
from gateway.scim.errors import invalid_filter
from gateway.scim.lexer import Kind, tokenize
from gateway.scim.notation import (
    MalformedNameError,
    UnknownAttributeError,
    look_up,
    look_up_part,
)
from rollbook.v1.filter_pb2 import Filter, ValuePath

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.scim.dialects import Reading
    from gateway.scim.lexer import Token
    from gateway.scim.notation import Name
    from rollbook.attributes import ResourceType

    # Finds a name; None is one that has no value whatever the resource.
    Scope = Callable[[str], Name | None]

MAX_DEPTH: Final = 32
"""How deep parentheses and brackets may be nested."""

MAX_TERMS: Final = 200
"""How many comparisons a filter may have."""


def parse_filter(
    text: str, resource_type: ResourceType | None, reading: Reading, *, base_url: str = ""
) -> Filter:
    """What a filter means for resources of one type, or of all types when that is None.

    `base_url` is what addresses in `$ref` and `meta.location` begin with. Raises invalidFilter
    naming the culprit and its position. An attribute that does not exist is an error, or has no
    value if the dialect tolerates it; at the root it never has one (RFC 7644 §3.4.2.1).
    """
    context = Context(resource_type, reading, base_url)

    def in_resource(name: str) -> Name | None:
        try:
            return look_up(name, resource_type, reading)
        except UnknownAttributeError as error:
            _let_pass(error, context)
            return None

    return _Parser(text, in_resource, context).parse()


def parse_element_filter(
    text: str, parent: Name, resource_type: ResourceType, reading: Reading
) -> Filter:
    """What the brackets of a patch path mean for the elements of the attribute `parent`.

    Raises invalidFilter, and UnknownAttributeError when a sub-attribute does not exist: what a
    patch changes must not depend on a name that means nothing.
    """
    context = Context(resource_type, reading)
    return _Parser(text, lambda name: look_up_part(name, parent), context, in_element=True).parse()


def _element_scope(parent: Name | None, context: Context) -> Scope:
    def in_element(name: str) -> Name | None:
        try:
            return look_up_part(name, parent) if parent else None
        except UnknownAttributeError as error:
            _let_pass(error, context)
            return None

    return in_element


def _let_pass(error: UnknownAttributeError, context: Context) -> None:
    """Let an unknown attribute pass as one that no resource has assigned, or refuse it."""
    kind = context.resource_type
    if kind and not context.reading.tolerates(Tolerance.UNKNOWN_FILTER_ATTRIBUTE):
        raise invalid_filter(f"A {kind.name} has no attribute {str(error)[:200]}.")


class _Parser:
    """One filter being parsed. `scope` finds names where the parser is; `in_element` says that
    it is between the brackets of a value path."""

    def __init__(
        self, text: str, scope: Scope, context: Context, *, in_element: bool = False
    ) -> None:
        self._tokens = tokenize(text, context.reading)
        self._next = 0
        self._depth = 0
        self._terms = 0
        self._scope = scope
        self._in_element = in_element
        self._context = context

    def parse(self) -> Filter:
        """The whole filter."""
        if self._peek().kind is Kind.END:
            raise invalid_filter("The filter is empty.")
        result = self._disjunction()
        if self._peek().kind is not Kind.END:
            raise invalid_filter(f"Expected and, or or the end of the filter, not {self._peek()}.")
        return result

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _disjunction(self) -> Filter:
        return self._joined("or", self._conjunction)

    def _conjunction(self) -> Filter:
        return self._joined("and", self._term)

    def _joined(self, keyword: str, operand: Callable[[], Filter]) -> Filter:
        filters = [operand()]
        while self._peek().is_word(keyword):
            self._check_space(wanted=True)
            self._take()
            self._check_space(wanted=True)
            filters.append(operand())
        if len(filters) == 1:
            return filters[0]
        result = Filter()
        getattr(result, keyword).filters.extend(filters)
        return result

    def _term(self) -> Filter:
        token = self._take()
        if token.kind is Kind.OPEN:
            return self._nested(token, Kind.CLOSE)
        if token.kind is not Kind.WORD:
            raise invalid_filter(f"Expected an attribute or (, not {token}.")
        if token.is_word("not"):
            return self._negated()
        name = self._find(token.text, token)
        if self._peek().kind is Kind.OPEN_BRACKET:
            return self._value_path(name)
        return self._comparison(name, token.text)

    def _negated(self) -> Filter:
        token = self._take()
        if token.kind is not Kind.OPEN:
            raise invalid_filter(f"Expected ( after not, not {token}.")
        return negation(self._nested(token, Kind.CLOSE))

    def _nested(self, opening: Token, closing: Kind) -> Filter:
        """What stands between a mark, taken already, and its counterpart."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise invalid_filter(f"The filter is nested deeper than {MAX_DEPTH} levels.")
        result = self._disjunction()
        token = self._take()
        if token.kind is not closing:
            raise invalid_filter(f"Expected {closing.value} to close {opening}, not {token}.")
        self._depth -= 1
        return result

    def _value_path(self, name: Name | None) -> Filter:
        self._check_space(wanted=False)
        opening = self._take()
        if self._in_element:
            raise invalid_filter(f"Value paths cannot be nested: {opening}.")
        _check_has_elements(name)
        outside = self._scope
        self._scope, self._in_element = _element_scope(name, self._context), True
        condition = self._nested(opening, Kind.CLOSE_BRACKET)
        if self._peek().text.startswith(".") and not self._peek().spaced:
            condition = _conjoined(condition, self._part_comparison())
        self._scope, self._in_element = outside, False
        if name is None:
            return Filter(constant=False)
        return Filter(value_path=ValuePath(path=name.path(), filter=condition))

    def _part_comparison(self) -> Filter:
        """`.value eq "x"` after a bracket: one more condition on the same element."""
        token = self._take()
        if not self._context.reading.tolerates(Tolerance.VALUE_PATH_COMPARISON):
            raise invalid_filter(f"Nothing but and or or may follow ], not {token}.")
        return self._comparison(self._find(token.text[1:], token), token.text)

    def _comparison(self, name: Name | None, text: str) -> Filter:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise invalid_filter(f"The filter has more than {MAX_TERMS} comparisons.")
        token = self._take()
        operator = token.text.lower()
        if token.kind is not Kind.WORD or operator not in OPERATORS:
            raise invalid_filter(
                f"Expected an operator after {text[:80]} ({', '.join(OPERATORS)}), not {token}."
            )
        literal = None if operator == PRESENT else self._literal(f"{text[:80]} {operator}")
        return comparison(name, operator, literal, self._context)

    def _literal(self, before: str) -> Token:
        token = self._peek()
        if token.kind not in {Kind.TEXT, Kind.WORD}:
            raise invalid_filter(f"Expected a value after {before}, not {token}.")
        self._check_space(wanted=True)
        return self._take()

    def _find(self, text: str, token: Token) -> Name | None:
        try:
            return self._scope(text)
        except MalformedNameError:
            raise invalid_filter(f"Expected the name of an attribute, not {token}.") from None

    def _check_space(self, *, wanted: bool) -> None:
        """Whether there is white space before the next token where the grammar demands it."""
        token = self._peek()
        if token.spaced is wanted or token.kind is Kind.END:
            return
        if not self._context.reading.tolerates(Tolerance.FILTER_WHITE_SPACE):
            fault = "is missing" if wanted else "is not allowed"
            raise invalid_filter(f"White space {fault} before {token}.")


def _check_has_elements(name: Name | None) -> None:
    if name is None:
        return
    attribute = name.attribute
    if name.part or attribute is None or not (attribute.multi_valued or attribute.sub_attributes):
        raise invalid_filter(f"{name} is neither multi-valued nor complex; it takes no brackets.")


def _conjoined(condition: Filter, other: Filter) -> Filter:
    result = Filter()
    parts = getattr(result, "and").filters
    if condition.WhichOneof("kind") == "and":
        parts.extend(getattr(condition, "and").filters)
    else:
        parts.append(condition)
    parts.append(other)
    return result
