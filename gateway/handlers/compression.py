"""gzip, both ways (RFC 9110 §8.4.1.3): answers packed, bodies unpacked within a limit."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Final

from gateway.handlers.errors import body_too_large
from gateway.handlers.negotiation import weights
from gateway.scim.errors import invalid_syntax

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest, Response

MIN_BYTES: Final = 1024
"""Smaller answers are sent as they are: one packet takes them either way."""

_MAX_BYTES_ON_LOOP: Final = 128 * 1024
"""Larger answers are packed in a thread: it takes longer than handing them over."""

_NAMES: Final = frozenset({"gzip", "x-gzip"})
_IN_GZIP_FORM: Final = 16

# A small window and state: with zlib's default of 256 KiB, a body of 2 KiB took 70 µs instead of
# 12 µs, and JSON repeats itself within a few KiB, so that it became no smaller.
_LEVEL: Final = 3
_WINDOW_BITS: Final = 13
_MEMORY_LEVEL: Final = 6


async def pack(http: BaseRequest, response: Response) -> None:
    """Packs the body of an answer, in place, if it is large enough and the client accepts that."""
    body = response.body
    if not isinstance(body, bytes) or len(body) < MIN_BYTES:
        return
    if not accepts_gzip(", ".join(http.headers.getall("Accept-Encoding", ()))):
        return
    if len(body) > _MAX_BYTES_ON_LOOP:
        response.body = await asyncio.to_thread(_packed, body)
    else:
        response.body = _packed(body)
    response.headers["Content-Encoding"] = "gzip"


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether Accept-Encoding allows gzip (RFC 9110 §12.5.3); a coding named counts before `*`."""
    accepted = weights(accept_encoding)
    named = [accepted[name] for name in _NAMES if name in accepted]
    return max(named, default=accepted.get("*", 0.0)) > 0


def _packed(body: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _IN_GZIP_FORM + _WINDOW_BITS, _MEMORY_LEVEL)
    return packer.compress(body) + packer.flush()


def is_gzip(content_encoding: str) -> bool:
    """Whether a body with this Content-Encoding has to be unpacked."""
    return content_encoding.lower() in _NAMES


class Unpacker:
    """Unpacks a body piece by piece; at no time is more than `limit` bytes of it unpacked."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._room = limit
        self._stream = zlib.decompressobj(_IN_GZIP_FORM + zlib.MAX_WBITS)

    def feed(self, piece: bytes) -> bytes:
        """What the next piece unpacks to. Raises HttpError 413, ScimError invalidSyntax."""
        try:
            unpacked = self._stream.decompress(piece, self._room + 1)
        except zlib.error:
            raise _malformed() from None
        self._room -= len(unpacked)
        if self._room < 0:
            raise body_too_large(self._limit)
        if self._stream.unused_data:
            raise _malformed()
        return unpacked

    def close(self) -> None:
        """Says that there are no more pieces. Raises ScimError invalidSyntax."""
        if not self._stream.eof:
            raise _malformed()


def _malformed() -> Exception:
    return invalid_syntax("The body is not encoded in gzip, as Content-Encoding says it is.")
