"""What the head of a request must say where the interoperability profile is demanded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.handlers.errors import bad_request, unsupported_media_type
from gateway.scim.dialects import Restriction

if TYPE_CHECKING:
    from gateway.handlers.request import ScimRequest

_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_MEDIA_TYPE: Final = "application/scim+json"


def check_head(scim: ScimRequest) -> None:
    """Raises HttpError 400 when it is not said who asks, 415 when the body is said to be anything
    but SCIM's JSON."""
    if not scim.dialect.restrictions:
        return
    headers = scim.http.headers
    if scim.dialect.restricts(Restriction.USER_AGENT) and not headers.get("User-Agent", "").strip():
        raise bad_request("The request needs a User-Agent that says which client sends it.")
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if (
        scim.http.method in _WITH_BODY
        and media_type != _MEDIA_TYPE
        and scim.dialect.restricts(Restriction.MEDIA_TYPE)
    ):
        raise unsupported_media_type(f"The body's type is {media_type!r}, not {_MEDIA_TYPE}.")
