"""Fetching small JSON documents from issuers, without being led anywhere else.

Who registers an issuer chooses a URL that this process then asks: so the addresses that it may
lead to are limited, redirects are not followed, and neither time nor size is the other side's to
choose.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
import socket
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Address, IPv6Address

Reach = Literal["public", "private", "local"]
"""Where issuers may be: on the internet; in one's own network, too; on this machine, too, and
there over plain HTTP."""

SECONDS: Final = 5.0
MAX_BYTES: Final = 256 * 1024

_ERROR: Final = re.compile(rb'"error"\s*:\s*"([a-z_]{1,40})"')


class DocumentError(Exception):
    """A document cannot be had, or is not what it should be."""


class AnswerError(DocumentError):
    """Somebody answers, but not with what was asked for."""


class Documents:
    """Fetches documents, for one event loop."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._session: aiohttp.ClientSession | None = None

    @property
    def allows_plain_http(self) -> bool:
        """Whether URLs may be http, which they may on this machine alone."""
        return self._reach == "local"

    async def fetch(self, url: str, *, authorization: str = "") -> dict[str, Any]:
        """The JSON object at a URL. Raises DocumentError."""
        return await self._document("GET", url, authorization)

    async def post(
        self, url: str, form: Mapping[str, str], *, authorization: str = ""
    ) -> dict[str, Any]:
        """The JSON object that a form is answered with. Raises DocumentError."""
        return await self._document("POST", url, authorization, form)

    async def _document(
        self, method: str, url: str, authorization: str, form: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        self.check(url)
        headers = {"Authorization": authorization} if authorization else {}
        try:
            async with self._opened().request(
                method, url, allow_redirects=False, headers=headers, data=form
            ) as response:
                body = await _limited(response)
                if response.status != 200:  # noqa: PLR2004
                    raise AnswerError(f"{url} answers {response.status}{_code_in(body)}")
            document = json.loads(body)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise DocumentError(f"{url} cannot be read: {type(error).__name__}") from error
        except (ValueError, RecursionError) as error:
            raise AnswerError(f"{url} holds no JSON") from error
        if not isinstance(document, dict):
            raise AnswerError(f"{url} holds no JSON object")
        return document

    async def close(self) -> None:
        """End the connections that are open."""
        if self._session is not None:
            await self._session.close()

    def check(self, url: str) -> None:
        """Whether anybody may be asked at a URL, as far as it can be told beforehand; addresses
        written out pass no resolver. Raises DocumentError."""
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise DocumentError(f"{url} is no URL") from error
        if parts.scheme not in ({"http", "https"} if self.allows_plain_http else {"https"}):
            raise DocumentError(f"{url} is not https")
        if not parts.hostname:
            raise DocumentError(f"{url} names no host")
        try:
            address = ipaddress.ip_address(parts.hostname)
        except ValueError:
            return
        if not is_within(self._reach, address):
            raise DocumentError(f"{url} leads to an address that issuers may not have")

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=_LimitedResolver(self._reach), limit=20),
                timeout=aiohttp.ClientTimeout(total=SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept": "application/json"},
                # A small answer could unpack to a large one.
                auto_decompress=False,
                skip_auto_headers=("Accept-Encoding",),
            )
        return self._session


def is_within(reach: Reach, address: IPv4Address | IPv6Address) -> bool:
    """Whether issuers may have an address."""
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return is_within(reach, mapped)
    if address.is_loopback:
        return reach == "local"
    if address.is_global:
        return not address.is_multicast
    # Never the addresses of one link, where clouds tell machines their secrets.
    private = address.is_private and not (
        address.is_link_local or address.is_unspecified or address.is_reserved
    )
    return private and not address.is_multicast and reach != "public"


class _LimitedResolver(AbstractResolver):
    """Leaves out addresses that issuers may not have. Connections are made to what this answers,
    so that no other answer can come in between."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        allowed = [
            one
            for one in found
            if is_within(self._reach, ipaddress.ip_address(one["host"].partition("%")[0]))
        ]
        if not allowed:
            raise OSError(f"{host} has no address that issuers may have")
        return allowed

    async def close(self) -> None:
        await self._resolver.close()


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    """The body, read until it is too long. Raises DocumentError."""
    body = bytearray()
    async with asyncio.timeout(SECONDS):
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MAX_BYTES:
                raise AnswerError(f"{response.url} is longer than {MAX_BYTES} bytes")
    return bytes(body)


def _code_in(body: bytes) -> str:
    """The code of an error of RFC 6749 §5.2, for the log; of all else nothing is passed on."""
    found = _ERROR.search(body)
    return f" {found[1].decode()}" if found else ""
