"""Forms: `application/x-www-form-urlencoded` in UTF-8 (RFC 6749 appendix B)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from gateway.handlers.body import BodyReader
from gateway.handlers.errors import bad_request, unsupported_media_type
from rollbook.v1.oauth_service_pb2 import OAuthParameter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp.web import BaseRequest

    from gateway.settings import Settings

MAX_BYTES: Final = 64 * 1024
MAX_FIELDS: Final = 60

_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"


class FormReader:
    """Reads forms within the limits of size and time."""

    def __init__(self, settings: Settings) -> None:
        self._bodies = BodyReader(settings, limit=MAX_BYTES)

    async def read(self, http: BaseRequest) -> list[tuple[str, str]]:
        """Names and values in their order. Raises HttpError 400, 408, 413, 415 and 417."""
        media_type = http.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type != _MEDIA_TYPE:
            raise unsupported_media_type(f"The body's type is {media_type!r}, not {_MEDIA_TYPE}.")
        return _pairs(await self._bodies.raw(http))


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except UnicodeError:
        raise bad_request("The form is not in UTF-8.") from None
    except ValueError:
        raise bad_request(f"The form has more than {MAX_FIELDS} fields.") from None


def parameters_of(pairs: Iterable[tuple[str, str]]) -> list[OAuthParameter]:
    """Parameters as the contract has them."""
    return [OAuthParameter(name=name, value=value) for name, value in pairs]
