"""Filters, paths and patch operations from the grammars of RFC 7644, up to the limits and one
beyond; with operands that fit and others that do not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from gateway.scim import filters, lexer
from rollbook.attributes import GROUP, RESOURCE_TYPES, USER, Attribute, AttributeType
from tests.fuzz.hostile_values import hostile_text, hostile_value
from tests.fuzz.requests import group_of, user_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from rollbook.attributes import ResourceType

_OPERATORS: Final = ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le")
_NOT_OPERATORS: Final = ("Eq", "PR", "like", "=", "regex", "and", "not", "")
_FITTING: Final = {
    AttributeType.BOOLEAN: ("true", "false", '"True"'),
    AttributeType.INTEGER: ("0", "-7", "9223372036854775808", '"7"'),
    AttributeType.DECIMAL: ("0.5", "-1e3", "1E-400"),
    AttributeType.DATE_TIME: ('"2026-01-31T00:00:00Z"', '"2026-01-31T00:00:00.123456789+14:00"'),
    AttributeType.BINARY: ('"YWJj"', '"YW Jj"'),
}


def _named(resource_type: ResourceType) -> Iterator[tuple[str, Attribute]]:
    schemas = [("", resource_type.schema), (f"{resource_type.schema.urn}:", resource_type.schema)]
    schemas += [
        (f"{extension.schema.urn}:", extension.schema) for extension in resource_type.extensions
    ]
    for prefix, schema in schemas:
        for attribute in schema.attributes:
            yield prefix + attribute.name, attribute
            for part in attribute.sub_attributes:
                yield f"{prefix}{attribute.name}.{part.name}", part


_PATHS: Final = {kind.name: list(_named(kind)) for kind in RESOURCE_TYPES}
_COMPLEX: Final = {
    kind.name: [(name, attribute) for name, attribute in _named(kind) if attribute.sub_attributes]
    for kind in RESOURCE_TYPES
}


def filter_text(random: Random, kind: ResourceType) -> str:
    """A filter on resources of a type; most are valid, some are at a limit or beyond it."""
    chance = random.random()
    if chance < 0.04:
        return _long(random, kind)
    if chance < 0.07:
        return _deep(random, kind)
    text = _expression(random, kind, depth=random.choice((0, 1, 2, 4)))
    return disturbed(random, text) if chance > 0.75 else text


def _expression(random: Random, kind: ResourceType, depth: int) -> str:
    if depth == 0:
        return _criterion(random, kind)
    inner = _expression(random, kind, depth - 1)
    match random.randrange(5):
        case 0:
            return f"({inner})"
        case 1:
            return f"not ({inner})"
        case 2:
            return _value_path(random, kind, depth - 1)
    word = random.choice(("and", "or", "AND", "Or"))
    return f"{inner} {word} {_expression(random, kind, depth - 1)}"


def _criterion(random: Random, kind: ResourceType) -> str:
    path, attribute = random.choice(_PATHS[kind.name])
    return _comparison(random, path, attribute)


def _comparison(random: Random, path: str, attribute: Attribute) -> str:
    if random.random() < 0.1:
        path = random.choice((path.swapcase(), path + ".value", "nope", "a.b.c", "", "$ref"))
    if random.random() < 0.15:
        return f"{path} pr"
    operator = random.choice(_OPERATORS if random.random() < 0.95 else _NOT_OPERATORS)
    return f"{path} {operator} {_operand(random, attribute)}"


def _operand(random: Random, attribute: Attribute) -> str:
    if random.random() < 0.6 and (fitting := _FITTING.get(attribute.type)):
        return random.choice(fitting)
    match random.randrange(10):
        case 0:
            return random.choice(("null", "true", "7", "0.5", "-", "nil", "'ada'", "ada", "1e999"))
        case 1 | 2:
            return json.dumps(hostile_text(random))
        case 3:
            return f'"{user_of(random)}"'
        case 4:
            return f'"{group_of(random)}"'
    return random.choice(('"work"', '"ada@acme.example"', '"a"', '"Staff"', '"ADA"', '"User"'))


def _value_path(random: Random, kind: ResourceType, depth: int) -> str:
    name, attribute = random.choice(_COMPLEX[kind.name])
    parts = [
        _comparison(random, part.name, part)
        for part in random.choices(attribute.sub_attributes, k=depth + 1)
    ]
    inner = f" {random.choice(('and', 'or'))} ".join(parts)
    tail = random.choice(("", "", ' eq "x"', '.value eq "ada"', ".value pr", "[type pr]"))
    return f"{name}[{inner}]{tail}"


def _long(random: Random, kind: ResourceType) -> str:
    """As many terms, or as many characters, as there may be, or one more or less."""
    off = random.choice((-1, 0, 1))
    if random.random() < 0.5:
        word = random.choice((" and ", " or "))
        return word.join(_criterion(random, kind) for _ in range(filters.MAX_TERMS + off))
    start = 'userName eq "'
    return start + "x" * (lexer.MAX_LENGTH - len(start) - 1 + off) + '"'


def _deep(random: Random, kind: ResourceType) -> str:
    """As deep as a filter may be, or a little more or less."""
    depth = filters.MAX_DEPTH + random.choice((-2, -1, 0, 1, 1_000))
    opening = random.choice(("(", "not (", "not(", "(not ("))
    return opening * depth + _criterion(random, kind) + ")" * (depth * opening.count("("))


def disturbed(random: Random, text: str) -> str:
    """The text with a few characters lost, doubled, exchanged or put in."""
    characters = list(text)
    for _ in range(random.choice((1, 1, 2, 5))):
        place = random.randrange(len(characters) + 1)
        match random.randrange(4):
            case 0:
                del characters[place : place + random.choice((1, 1, 4))]
            case 1:
                characters[place:place] = characters[place : place + 8]
            case 2:
                characters[place : place + 1] = random.choice("()[]\".:\\ $%'\0eqé😀-0")
            case _:
                characters.insert(place, random.choice((*'()[]".:\\ ,{}', " and ", " or ")))
    return "".join(characters)


def path_text(random: Random, kind: ResourceType) -> str:
    """A patch path: an attribute, a sub-attribute or a value path, now and then a broken one."""
    chance = random.random()
    if chance < 0.1:
        return disturbed(random, random.choice(_PATHS[kind.name])[0])
    if chance < 0.45:
        return random.choice(_PATHS[kind.name])[0]
    if chance < 0.55:
        return f"members[value eq {json.dumps(user_of(random))}]"
    name, attribute = random.choice(_COMPLEX[kind.name])
    inner = _comparison(random, *_part(random, attribute))
    if chance < 0.6:
        inner = " and ".join([inner] * (filters.MAX_TERMS + random.choice((-1, 0, 1))))
    elif chance < 0.7:
        inner = disturbed(random, inner)
    tail = random.choice(("", f".{random.choice(attribute.sub_attributes).name}", ".nope", ".a.b"))
    return f"{name}[{inner}]{tail}"


def _part(random: Random, attribute: Attribute) -> tuple[str, Attribute]:
    part = random.choice(attribute.sub_attributes)
    return part.name, part


def operation(random: Random, kind: ResourceType) -> Any:
    """One operation of a patch."""
    if random.random() < 0.02:
        return hostile_value(random)
    found: dict[str, Any] = {"op": random.choice(("add", "replace", "remove", "Add", "Replace"))}
    if random.random() < 0.03:
        found["op"] = hostile_value(random)
    if random.random() < 0.85:
        found["path"] = path_text(random, kind)
    if random.random() < 0.85:
        found["value"] = value(random, kind)
    return found


def value(random: Random, kind: ResourceType) -> Any:
    """What an operation may set: fitting, or not at all."""
    element = {"value": "a@x.example", "type": "work", "primary": random.random() < 0.5}
    return random.choice(
        (
            hostile_value(random),
            {random.choice(_PATHS[kind.name])[0]: hostile_value(random) for _ in range(3)},
            [{"value": user_of(random)}, {"value": group_of(random)}],
            [element] * random.choice((1, 1, 2, 40)),
            random.choice((True, False, "True", "false", 1, 0)),
            {"displayName": "Ada", "name": {"givenName": "Ada"}, "active": False},
            None,
            random.choice(("Ada", "work", "2026-01-31T00:00:00Z", "YWJj", user_of(random))),
        )
    )


def kind_of(random: Random) -> ResourceType:
    """A resource type; users have more attributes."""
    return USER if random.random() < 0.7 else GROUP
