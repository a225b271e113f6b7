"""Which endpoint a path means, whatever way a client writes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from gateway.handlers.errors import method_not_allowed, unknown_endpoint, unknown_version
from gateway.handlers.response import respond
from rollbook.access import rule_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aiohttp.web import Response

    from gateway.handlers.request import ScimRequest

    Handler = Callable[[ScimRequest], Awaitable[Response]]

_VERSION: Final = re.compile(r"v\d+(?:\.\d+)?", re.IGNORECASE | re.ASCII)
_SUPPORTED_VERSION: Final = "v2"
_SUFFIX: Final = ".scim"
_ITEM: Final = 2
_PART: Final = 3


class Route:
    """One endpoint: a handler for each method. HEAD is GET whose body is not sent.

    `name` is its path, relative to the base URL unless it begins with a slash. Raises LookupError
    when `rollbook.access` does not say who may use it.
    """

    def __init__(self, name: str, **handlers: Handler) -> None:
        for method in handlers:
            rule_of(f"{method} {name}")
        if "GET" in handlers:
            handlers["HEAD"] = handlers["GET"]
        handlers["OPTIONS"] = self._options
        self.name = name
        self.allow = ", ".join(handlers)
        self._handlers = handlers

    def handler(self, method: str) -> Handler:
        """The handler of a method. Raises HttpError 405."""
        try:
            return self._handlers[method]
        except KeyError:
            raise method_not_allowed(method, self.allow) from None

    async def _options(self, scim: ScimRequest) -> Response:
        """What can be done here (RFC 9110 §9.3.7)."""
        return respond(scim.http, status=204, headers={"Allow": self.allow})


class Router:
    """Finds routes by path.

    `collections` are routes by path relative to the base URL, without slashes at its ends;
    `items` those with one more segment, which is the id, and `parts` those with the id between
    the two segments of their key. Doubled and trailing slashes, the suffix `.scim` (RFC 7644
    §3.8) and a missing version segment make no difference.
    """

    def __init__(
        self,
        prefix: str,
        collections: Mapping[str, Route],
        items: Mapping[str, Route],
        parts: Mapping[str, Route],
    ) -> None:
        self._prefix = prefix
        base = _segments(prefix)
        self._base = base[:-1] if base and base[-1] == _SUPPORTED_VERSION else base
        self._collections = collections
        self._items = items
        self._parts = parts

    def find(self, path: str) -> tuple[Route, str]:
        """The route for the path of a request target, and the id. Raises HttpError."""
        segments = self._relative(path)
        route = self._collections.get("/".join(segments))
        if route is not None:
            return route, ""
        if len(segments) == _ITEM and (route := self._items.get(segments[0])) is not None:
            return route, segments[1]
        if len(segments) == _PART and (route := self._parts.get(f"{segments[0]}/{segments[2]}")):
            return route, segments[1]
        raise unknown_endpoint(path, self._prefix)

    def _relative(self, path: str) -> list[str]:
        """The segments below the base URL, decoded."""
        segments = _segments(path)
        start = len(self._base)
        if segments[:start] != self._base:
            raise unknown_endpoint(path, self._prefix)
        if len(segments) > start and _VERSION.fullmatch(segments[start]):
            if segments[start].lower() != _SUPPORTED_VERSION:
                raise unknown_version(segments[start])
            start += 1
        return _decoded(segments[start:], path, self._prefix)


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _decoded(segments: list[str], path: str, prefix: str) -> list[str]:
    if segments and segments[-1].endswith(_SUFFIX):
        segments[-1] = segments[-1].removesuffix(_SUFFIX)
    if "%" not in path:
        return segments
    try:
        return [unquote(segment, errors="strict") for segment in segments]
    except UnicodeError:
        raise unknown_endpoint(path, prefix) from None
