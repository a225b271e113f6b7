"""Reading a body: JSON in UTF-8, within the limits of size and time."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aiohttp import HttpVersion11
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestKey, RequestPayloadError

from gateway.handlers.compression import Unpacker, is_gzip
from gateway.handlers.errors import (
    body_timeout,
    body_too_large,
    expectation_failed,
    unsupported_coding,
    unsupported_media_type,
)
from gateway.scim import json_text
from gateway.scim.errors import invalid_syntax
from gateway.slow_clients import SlowClients

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aiohttp.web import BaseRequest

    from gateway.settings import Settings

_MEDIA_TYPES: Final = frozenset({"application/scim+json", "application/json", "text/json"})
_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii"})


_VALUE: Final = RequestKey("value", object)


class BodyReader:
    """Reads bodies under the limits of the settings, or under another limit of their size; with
    `senders` that it has in common with others."""

    def __init__(
        self, settings: Settings, senders: SlowClients | None = None, *, limit: int | None = None
    ) -> None:
        self._limit = settings.http_max_body_bytes if limit is None else limit
        self._senders = senders or SlowClients(settings.http_body_timeout, settings.slow_requests)

    async def json(self, http: BaseRequest) -> object:
        """The JSON value that a body is. It may be asked for again: a request that was translated
        by schemas that have changed is read anew.

        Raises HttpError 408, 413, 415 and 417, ScimError 400.
        """
        if _VALUE in http:
            return http[_VALUE]
        value = http[_VALUE] = await self._read(http)
        return value

    async def _read(self, http: BaseRequest) -> object:
        _check_media_type(http.headers.get("Content-Type", ""))
        return json_text.loads(await self.raw(http))

    async def raw(self, http: BaseRequest) -> bytes:
        """The body as it is, unpacked. Raises as `json` does, but for what is no JSON."""
        coding = ", ".join(http.headers.getall("Content-Encoding", ()))
        _check_coding(coding)
        if (http.content_length or 0) > self._limit:
            raise body_too_large(self._limit)
        await _continue(http)
        return await self._within_time(http, packed=is_gzip(coding))

    async def _within_time(self, http: BaseRequest, *, packed: bool) -> bytes:
        try:
            async with self._senders.waited_for() as hold:
                return await (self._unpacked if packed else self._plain)(http, hold)
        except TimeoutError as error:
            raise body_timeout() from error
        except (RequestPayloadError, HttpProcessingError) as error:
            raise invalid_syntax("The body is not encoded as the header says.") from error
        except ConnectionError as error:
            raise invalid_syntax("The connection ended before the body.") from error

    async def _plain(self, http: BaseRequest, hold: Callable[[int], None]) -> bytes:
        body = bytearray()
        async for piece in self._pieces(http):
            hold(len(piece))
            body += piece
        return bytes(body)

    async def _unpacked(self, http: BaseRequest, hold: Callable[[int], None]) -> bytes:
        unpacker = Unpacker(self._limit)
        body = bytearray()
        async for piece in self._pieces(http):
            unpacked = unpacker.feed(piece)
            hold(len(unpacked))
            body += unpacked
        unpacker.close()
        return bytes(body)

    async def _pieces(self, http: BaseRequest) -> AsyncIterator[bytes]:
        """The body as it was sent, which may be in chunks and so without its size."""
        size = 0
        while piece := await _next_piece(http):
            size += len(piece)
            if size > self._limit:
                raise body_too_large(self._limit)
            yield piece


async def _next_piece(http: BaseRequest) -> bytes:
    try:
        return await http.content.readany()
    except RuntimeError as error:
        # What aiohttp calls a connection that ended before somebody waited for it.
        raise ConnectionResetError from error


@lru_cache(maxsize=64)
def _check_media_type(content_type: str) -> None:
    """Refuses what is not JSON in UTF-8; a body without a type is taken for it."""
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if media_type and media_type not in _MEDIA_TYPES:
        raise unsupported_media_type(
            f"The body's type is {media_type!r}, not application/scim+json."
        )
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "charset" and value.strip('"') not in _CHARSETS:
            raise unsupported_media_type(f"The body's charset is {value!r}, not utf-8.")


def _check_coding(coding: str) -> None:
    if coding.lower() not in {"", "identity"} and not is_gzip(coding):
        raise unsupported_coding(coding)


async def _continue(http: BaseRequest) -> None:
    """Asks a client for the body that it holds back (RFC 9110 §10.1.1)."""
    expectation = http.headers.get("Expect")
    if expectation is None or http.version < HttpVersion11:
        return
    if expectation.lower() != "100-continue":
        raise expectation_failed(expectation)
    writer = http.writer
    await writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    writer.output_size = 0  # nothing of the answer proper is sent yet
