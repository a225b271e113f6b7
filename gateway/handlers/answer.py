"""How a request about one resource is to be answered: with a body or without, and with what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from google.protobuf.field_mask_pb2 import FieldMask

if TYPE_CHECKING:
    from gateway.handlers.request import Preference, ScimRequest
    from gateway.scim.projection import Projection
    from gateway.scim.requested import Paths
    from rollbook.attributes import ResourceType

_IDENTITY: Final = FieldMask(paths=["id", "meta"])
"""What the header fields need: the id for Location, the entity tag for ETag."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`applied` is the client's preference, if it decided (RFC 7240 §3)."""

    projection: Projection
    with_body: bool = True
    applied: Preference | None = None

    def read_mask(self, resource_type: ResourceType) -> FieldMask:
        """What the service has to gather for it; empty means everything."""
        return self.projection.read_mask(resource_type) if self.with_body else _IDENTITY

    def showing(self, set_now: Paths) -> Answer:
        """The same to a request that has set attributes which are returned on request."""
        return replace(self, projection=self.projection.showing(set_now)) if set_now else self

    def status(self, with_body: int) -> int:
        """200 without a body is 204; a 201 stays one."""
        if with_body == HTTPStatus.OK and not self.with_body:
            return HTTPStatus.NO_CONTENT
        return with_body


def answer_for(scim: ScimRequest, *, by_default: bool) -> Answer:
    """The answer that a client wants; `by_default`: whether it has a body without a preference.

    Who names attributes wants to see them, whatever else is said (RFC 7644 §3.5.2).
    """
    projection = scim.projection()
    preference = scim.preference()
    if projection.attributes or projection.excluded:
        return Answer(projection)
    if preference is None:
        return Answer(projection, with_body=by_default)
    return Answer(projection, with_body=preference == "representation", applied=preference)
