"""The paths of bulk operations: which resource, or which type of resource, an operation is about
(RFC 7644 §3.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from gateway.scim.errors import ScimError, invalid_syntax
from rollbook.attributes import RESOURCE_TYPES

if TYPE_CHECKING:
    from rollbook.attributes import ResourceType

_TYPES: Final = {kind.endpoint: kind for kind in RESOURCE_TYPES}
_ITEM: Final = 2


@dataclass(frozen=True, slots=True)
class Target:
    """A type of resource, and the id of a resource or a reference in its place; the id is empty
    for a creation."""

    resource_type: ResourceType
    id: str = ""

    def location(self, base_url: str, known_id: str) -> str:
        """The address of the resource, whose id may be known better by now."""
        return f"{base_url}{self.resource_type.endpoint}/{quote(known_id or self.id, safe=':')}"


def target_of(path: str, method: str) -> Target:
    """What the path of an operation means: `/Users` for POST, else `/Users/{id}`.

    Raises ScimError 404 when nothing is there, 400 invalidSyntax when it is not for bulk
    requests or the method not for it.
    """
    if not path:
        raise invalid_syntax("An operation needs a path.")
    segments = [unquote(segment) for segment in path.split("/") if segment]
    endpoint = f"/{segments[0]}" if segments else "/"
    if endpoint.lower() == "/bulk":
        raise invalid_syntax("A bulk request must not hold another one.")
    kind = _TYPES.get(endpoint)
    if kind is None or len(segments) > _ITEM:
        raise ScimError(404, f"There is no endpoint {path[:200]!r}.")
    if method == "POST":
        if len(segments) == _ITEM:
            raise invalid_syntax(f"POST needs the path {endpoint}, without an id.")
        return Target(kind)
    if len(segments) != _ITEM:
        raise invalid_syntax(f"{method} needs the path of a resource: {endpoint}/ and its id.")
    return Target(kind, segments[1])
