"""Which attributes a client wants to see: `attributes` and `excludedAttributes` (RFC 7644 §3.9).

The parameters are compiled, once for each resource type, into the members to keep of a rendered
resource and into the field mask that tells the service what to gather.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from google.protobuf.field_mask_pb2 import FieldMask

from gateway.scim.dialects import LENIENT, Reading
from gateway.scim.errors import invalid_value
from gateway.scim.notation import MalformedNameError, UnknownAttributeError, look_up
from rollbook.attributes import Attribute, ResourceType, Returned, made_once

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from gateway.scim.requested import Paths

MAX_NAMES: Final = 1_000
"""How many names the parameters may have."""

_MAX_CACHED_LENGTH: Final = 2_000
_MAX_CHOICES: Final = 256

# The filter of emails[type eq "work"], which Entra ID's tests send and which selects nothing.
_BRACKETS: Final = re.compile(r'\[(?:"(?:[^"\\]|\\.)*+"|[^"\[\]])*+\]')

Names = dict[str, "Names"]
"""Names of members, nested as in a resource; a name without others in it means all of it."""

Selection = Mapping[str, "Selection | None"]
"""The members of a rendered resource to keep; None means with all that is in it."""


class _Node(NamedTuple):
    """A member of a rendered resource: an attribute, or an extension as a whole. `fields` are
    the protobuf fields, beside each other, that it is made from. The service sends what is
    `is_on_demand` only when the read mask names it."""

    name: str
    fields: tuple[str, ...]
    returned: Returned
    parts: tuple[_Node, ...]
    is_extension: bool = False
    is_on_demand: bool = False


class _Choice(NamedTuple):
    """A projection of one resource type; `selection` is None when all members are kept."""

    selection: Selection | None
    read_mask: FieldMask


@dataclass(frozen=True, eq=False)
class Projection:
    """A choice of attributes, of whatever resource type; made by `projection_of`.

    `set_now` are attributes that are returned on request, but in this answer by default, since
    the request has set them (see `requested`).
    """

    attributes: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    set_now: Paths = frozenset()

    @property
    def names_attributes(self) -> bool:
        """Whether `attributes` was given: a PATCH must then be answered with a body (RFC 7644
        §3.5.2)."""
        return bool(self.attributes)

    def showing(self, set_now: Paths) -> Projection:
        """The same in the answer to a request that has set these attributes."""
        return _cached(self.attributes, self.excluded, set_now) if set_now else self

    def read_mask(self, resource_type: ResourceType) -> FieldMask:
        """The fields that the service has to gather; empty means all.

        It names `id` and `meta` in any case, since answers need them for their headers.
        """
        return self._choice(resource_type).read_mask

    def apply(self, resource_type: ResourceType, body: dict[str, object]) -> dict[str, object]:
        """What is left of a rendered resource."""
        selection = self._choice(resource_type).selection
        return body if selection is None else _pruned(body, selection)

    def _choice(self, resource_type: ResourceType) -> _Choice:
        choices = _choices_of(resource_type)
        choice = choices.get(self)
        if choice is None:
            if len(choices) >= _MAX_CHOICES:
                choices.clear()
            choice = choices[self] = _chosen(resource_type, self)
        return choice


def projection_of(attributes: Iterable[str], excluded: Iterable[str]) -> Projection:
    """The projection that all values of the two parameters together ask for.

    A value is a name or several with commas between them. Names are taken in any case, with or
    without URN; those that no attribute has are ignored. Raises ScimError invalidValue when both
    parameters name something, since they exclude each other, or too much.
    """
    names = _names(attributes)
    excluded_names = _names(excluded)
    if names and excluded_names:
        raise invalid_value("attributes and excludedAttributes must not be given together.")
    if len(names) + len(excluded_names) > MAX_NAMES:
        raise invalid_value(f"More than {MAX_NAMES} attributes are named.")
    if sum(map(len, names + excluded_names)) > _MAX_CACHED_LENGTH:
        return Projection(names, excluded_names)
    return _cached(names, excluded_names)


def projection_from_query(query: Iterable[tuple[str, str]]) -> Projection:
    """The projection that the pairs of a decoded query string ask for."""
    pairs = [(name.lower(), value) for name, value in query]
    return projection_of(
        [value for name, value in pairs if name == "attributes"],
        [value for name, value in pairs if name == "excludedattributes"],
    )


def _names(values: Iterable[str]) -> tuple[str, ...]:
    text = _BRACKETS.sub("", ",".join(values))
    return tuple(dict.fromkeys(filter(None, (name.strip() for name in text.split(",")))))


@lru_cache(maxsize=256)
def _cached(
    attributes: tuple[str, ...], excluded: tuple[str, ...], set_now: Paths = frozenset()
) -> Projection:
    return Projection(attributes, excluded, set_now)


EVERYTHING: Final = projection_of((), ())
"""What is returned by default."""


@made_once
def _choices_of(_: ResourceType) -> dict[Projection, _Choice]:
    """What projections have been compiled into for a resource type."""
    return {}


def _chosen(resource_type: ResourceType, projection: Projection) -> _Choice:
    nodes = _by_default(_nodes_of(resource_type), projection.set_now)
    if projection.attributes:
        selection = _included(nodes, _resolved(resource_type, projection.attributes))
    else:
        # What the service gathers on demand alone is not there unless it is named: then by default
        # all that there is can be shown as it is.
        nodes = _without_on_demand(nodes)
        selection = _remaining(nodes, _resolved(resource_type, projection.excluded))
    if selection is None:
        return _Choice(None, FieldMask())
    paths = dict.fromkeys(["id", "meta", *_paths(nodes, selection)])
    return _Choice({"schemas": None, **selection}, FieldMask(paths=paths))


@made_once
def _nodes_of(resource_type: ResourceType) -> tuple[_Node, ...]:
    extensions = [
        _Node(
            extension.schema.urn,
            (extension.field,),
            Returned.DEFAULT,
            _attribute_nodes(extension.schema.attributes, in_extension=True),
            is_extension=True,
        )
        for extension in resource_type.extensions
    ]
    return (*_attribute_nodes(resource_type.schema.attributes), *extensions)


def _attribute_nodes(
    attributes: Sequence[Attribute], *, in_extension: bool = False
) -> tuple[_Node, ...]:
    fields = {each.name: each.field for each in attributes}
    return tuple(
        _Node(
            each.name,
            # An address is made of the others.
            tuple(fields[name] for name in ("value", "type") if name in fields)
            if each.name == "$ref"
            else (each.field,),
            each.returned,
            _attribute_nodes(each.sub_attributes),
            # Other attributes that are returned on request come along without being asked for.
            is_on_demand=in_extension and each.derived and each.returned is Returned.REQUEST,
        )
        for each in attributes
        if each.returned is not Returned.NEVER
    )


def _without_on_demand(nodes: Sequence[_Node]) -> Sequence[_Node]:
    kept = [
        node._replace(parts=tuple(_without_on_demand(node.parts)))
        for node in nodes
        if not node.is_on_demand
    ]
    return [node for node in kept if node.parts or not node.is_extension]


def _by_default(nodes: Sequence[_Node], paths: Collection[tuple[str, ...]]) -> Sequence[_Node]:
    """The nodes, those at the end of the paths being returned by default."""
    if not paths:
        return nodes
    result = []
    for node in nodes:
        inner = {path[1:] for path in paths if path[0] == node.name}
        returned = Returned.DEFAULT if () in inner else node.returned
        parts = tuple(_by_default(node.parts, inner - {()}))
        result.append(node._replace(returned=returned, parts=parts))
    return result


def _resolved(resource_type: ResourceType, texts: Iterable[str]) -> Names:
    names: Names = {}
    for text in texts:
        _insert(names, _members_of(resource_type, text))
    return names


def _members_of(resource_type: ResourceType, text: str) -> list[str]:
    """The names of the members on the way to what a name means; none when it is unknown."""
    try:
        name = look_up(text, resource_type, Reading(LENIENT))
    except (MalformedNameError, UnknownAttributeError):
        return []
    path = name.path()
    return [part for part in (path.schema, path.attribute, path.sub_attribute) if part]


def _insert(names: Names, members: Sequence[str]) -> None:
    """Adds one name; one that is part of another that is there already changes nothing."""
    for position, member in enumerate(members, start=1):
        known = member in names
        inner = names.setdefault(member, {})
        if position == len(members):
            inner.clear()
        elif known and not inner:
            return
        names = inner


def _included(nodes: Sequence[_Node], names: Names) -> Selection | None:
    """The members that are named or always returned."""
    kept: dict[str, Selection | None] = {}
    for node in nodes:
        if inner := names.get(node.name):
            kept[node.name] = _included(node.parts, inner)
        elif node.name in names or node.returned is Returned.ALWAYS:
            # Of an extension that has nothing else, what is on demand is what is asked for.
            only = node.is_extension and all(part.is_on_demand for part in node.parts)
            kept[node.name] = None if only else _remaining(node.parts, {})
        else:
            _keep_always(node, kept)
    return _simplified(nodes, kept)


def _remaining(nodes: Sequence[_Node], names: Names) -> Selection | None:
    """The members that are returned by default and not named, or always returned."""
    kept: dict[str, Selection | None] = {}
    for node in nodes:
        excluded = node.name in names and not names[node.name]
        if node.returned is Returned.ALWAYS or (node.returned is Returned.DEFAULT and not excluded):
            kept[node.name] = _remaining(node.parts, {} if excluded else names.get(node.name, {}))
        else:
            _keep_always(node, kept)
    return _simplified(nodes, kept)


def _keep_always(node: _Node, kept: dict[str, Selection | None]) -> None:
    """An extension that nobody wants to see stays with what is always returned of it."""
    if node.is_extension and any(part.returned is Returned.ALWAYS for part in node.parts):
        kept[node.name] = _included(node.parts, {})


def _simplified(nodes: Sequence[_Node], kept: Mapping[str, Selection | None]) -> Selection | None:
    everything = len(kept) == len(nodes) and all(inner is None for inner in kept.values())
    return None if everything else kept


def _paths(nodes: Sequence[_Node], selection: Selection) -> Iterator[str]:
    """The field paths that a selection is made from."""
    for node in nodes:
        if node.name not in selection:
            continue
        inner = selection[node.name]
        if inner is None:
            yield from node.fields
        else:
            yield from (f"{node.fields[0]}.{path}" for path in _paths(node.parts, inner))


def _pruned(body: Mapping[str, object], selection: Selection) -> dict[str, object]:
    pruned = {}
    for name, value in body.items():
        if name in selection:
            inner = selection[name]
            kept = value if inner is None else _pruned_value(value, inner)
            if inner is None or kept:
                pruned[name] = kept
    return pruned


def _pruned_value(value: object, selection: Selection) -> object:
    if isinstance(value, dict):
        return _pruned(value, selection)
    if isinstance(value, list):
        return [pruned for each in value if (pruned := _pruned(each, selection))]
    return value
