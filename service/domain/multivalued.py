"""Elements of multi-valued attributes: when two are the same, and what adding, merging and
removing them means (RFC 7643 §2.4, RFC 7644 §3.5.2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rollbook.attributes import Attribute, AttributeType, Mutability
from service.domain.search.folding import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Sequence

    from google.protobuf.message import Message


_IDENTITY: Final = ("value", "type")


def identity(element: Any, attribute: Attribute) -> Hashable:
    """What makes an element the same as another: its `value` and `type`, in the case that
    matters; of elements without a `value` everything there is, `primary` left aside."""
    if not attribute.sub_attributes:
        return _key(element, attribute)
    if attribute.sub_attribute("value") is not None and element.HasField("value"):
        names: Iterable[str] = _IDENTITY
    else:
        names = (part.name for part in attribute.sub_attributes if part.name != "primary")
    parts = (attribute.sub_attribute(name) for name in names)
    return tuple(_part_key(element, part) for part in parts if part is not None)


def _part_key(element: Any, part: Attribute) -> Hashable:
    return _key(getattr(element, part.field), part) if element.HasField(part.field) else None


def _key(value: Any, attribute: Attribute) -> Hashable:
    if attribute.type is AttributeType.STRING and not attribute.case_exact:
        return fold(value)
    key: Hashable = value.SerializeToString() if hasattr(value, "SerializeToString") else value
    return key


def merge(target: Any, source: Any, attribute: Attribute, *, kept: Collection[str] = ()) -> None:
    """Copy the sub-attributes that are set, save read-only ones and those `kept`."""
    for part in attribute.sub_attributes:
        if part.mutability is Mutability.READ_ONLY or part.name in kept:
            continue
        if part.multi_valued:
            if values := getattr(source, part.field):
                del getattr(target, part.field)[:]
                getattr(target, part.field).extend(values)
        elif source.HasField(part.field):
            value = getattr(source, part.field)
            if hasattr(value, "CopyFrom"):
                getattr(target, part.field).CopyFrom(value)
            else:
                setattr(target, part.field, value)


def append_missing(elements: Any, values: Any, attribute: Attribute) -> Sequence[Message]:
    """Append the values that are not there yet; what is there takes over the sub-attributes
    that the value sets. Returns the elements that hold the values now."""
    known = {identity(element, attribute): i for i, element in enumerate(elements)}
    touched = []
    for value in values:
        key = identity(value, attribute)
        index = known.get(key)
        if index is None:
            index = known[key] = len(elements)
            elements.append(value)
        elif attribute.sub_attributes:
            # Its identity stays as it was written first: "A@X" is there as "a@x".
            merge(elements[index], value, attribute, kept=_IDENTITY)
        touched.append(index)
    return [elements[index] for index in touched] if attribute.sub_attributes else ()


def remove_listed(elements: Any, values: Any, attribute: Attribute) -> None:
    """Remove the elements that agree with one of the values in everything the value sets."""
    for index in range(len(elements) - 1, -1, -1):
        if any(_agrees(elements[index], value, attribute) for value in values):
            del elements[index]


def _agrees(element: Any, value: Any, attribute: Attribute) -> bool:
    if not attribute.sub_attributes:
        return _key(element, attribute) == _key(value, attribute)
    parts = [part for part in attribute.sub_attributes if value.HasField(part.field)]
    # `value` says which one is meant; a client that lists elements often sends a label or a
    # `primary` along that is no longer the stored one.
    by_value = [part for part in parts if part.name in _IDENTITY]
    decisive = by_value if any(part.name == "value" for part in by_value) else parts
    return bool(decisive) and all(
        _part_key(element, part) == _part_key(value, part) for part in decisive
    )


def drop_empty(elements: Any, attribute: Attribute) -> None:
    """Remove elements in which nothing is set: they are unassigned (RFC 7643 §2.5)."""
    if not attribute.sub_attributes:
        return
    for index in range(len(elements) - 1, -1, -1):
        if not elements[index].ListFields():
            del elements[index]


def keep_one_primary(elements: Any, changed: Sequence[Any], attribute: Attribute) -> None:
    """Let an element that has just become primary be the only one (RFC 7644 §3.5.2). When an
    operation makes several primary at once, it contradicts itself: validation refuses it."""
    if attribute.sub_attribute("primary") is None:
        return
    chosen = [element for element in changed if element.primary]
    if len(chosen) != 1:
        return
    for element in elements:
        if element.primary and element is not chosen[0]:
            element.primary = False
