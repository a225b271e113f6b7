"""The SCIM base URL as the client knows it: what `meta.location` and `$ref` begin with."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from gateway.handlers.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp.web import BaseRequest

    from gateway.settings import Settings

    BaseUrl = Callable[[BaseRequest, str], str]

_HOST: Final = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[\w.~-]+)(?::\d{1,5})?", re.ASCII)
_PATH: Final = re.compile(r"(?:/[\w.~-]+)*", re.ASCII)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}


def base_url_of(settings: Settings) -> BaseUrl:
    """How to find the base URL of a request, which may raise HttpError, with the part of the path
    that names a tenant."""
    prefix = settings.http_prefix
    if settings.http_public_url is not None:
        public = settings.http_public_url
        return lambda _, tenant: public + tenant + prefix
    if settings.http_trust_forwarded:
        return lambda http, tenant: _forwarded(http) + tenant + prefix
    return lambda http, tenant: _origin(http.scheme, _host(http)) + tenant + prefix


@lru_cache(maxsize=256)
def _origin(scheme: str, host: str, port: str = "", path: str = "") -> str:
    if scheme not in _DEFAULT_PORTS:
        raise bad_request(f"The protocol of the request is {scheme!r}, not http or https.")
    if port and port != _DEFAULT_PORTS[scheme] and ":" not in host.rpartition("]")[2]:
        host = f"{host}:{port}"
    if not _HOST.fullmatch(host):
        raise bad_request(f"The request has to name its host; {host[:200]!r} is no such name.")
    if not _PATH.fullmatch(path):
        raise bad_request(f"{path[:200]!r} is not a path.")
    return f"{scheme}://{host}{path}"


def _host(http: BaseRequest) -> str:
    """What the client calls this host; `http.host` would ask the DNS when it does not say."""
    return http.headers.get("Host", "")


def _forwarded(http: BaseRequest) -> str:
    headers = http.headers
    return _origin(
        (_first(headers, "X-Forwarded-Proto") or http.scheme).lower(),
        _first(headers, "X-Forwarded-Host") or _host(http),
        _first(headers, "X-Forwarded-Port"),
        _first(headers, "X-Forwarded-Prefix").rstrip("/"),
    )


def _first(headers: Mapping[str, str], name: str) -> str:
    """The value that the outermost proxy gave: each one appends its own."""
    return headers.get(name, "").partition(",")[0].strip()
