"""Updates of what administrators configure: a field mask names what is replaced (AIP-134)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from service.domain.errors import invalid_path

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from google.protobuf.message import Message

    M = TypeVar("M", bound=Message)


def updated(before: M, given: M, mask: Sequence[str], changeable: Sequence[str], noun: str) -> M:
    """A message with the fields that the mask names replaced: "*" names all that are changeable,
    an empty mask those that are set. `noun` says of what they are fields. Raises INVALID_PATH."""
    unknown = [path for path in mask if path not in changeable and path != "*"]
    if unknown:
        raise invalid_path(
            "update_mask",
            f"{unknown[0][:100]!r} is no field of {noun} that can be changed; there are "
            f"{', '.join(changeable)}.",
        )
    names = changeable if "*" in mask else mask or [field.name for field, _ in given.ListFields()]
    return merged(before, given, [name for name in names if name in changeable])


def merged(before: M, given: M, names: Collection[str]) -> M:
    """A copy of one message in which these fields are those of the other."""
    after, chosen = type(before)(), type(before)()
    after.CopyFrom(before)
    chosen.CopyFrom(given)
    for field in before.DESCRIPTOR.fields:
        (after if field.name in names else chosen).ClearField(field.name)
    after.MergeFrom(chosen)
    return after
