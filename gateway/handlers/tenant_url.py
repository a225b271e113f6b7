"""Which tenant a URL names: by its path, `/t/{tenant}/…`, or by its host.

Whether there is such a tenant, and whether the credentials are its, is for the service to say: the
gateway passes on what was named, and answers to a name that nobody has are as to any other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rollbook.metadata import EXPECTED_HOST, EXPECTED_NAME

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest

    from gateway.settings import Settings

SEGMENT: Final = "t"
"""What stands before the name of a tenant in a path."""

_PATH: Final = re.compile(rf"/+{SEGMENT}/+([^/]+)(/.*)?", re.DOTALL)
_NAME: Final = re.compile(r"[a-z0-9-]{1,63}", re.ASCII)
# With a letter in its last label: an address is nobody's name.
_HOST: Final = re.compile(r"((?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*)\.?(?::\d+)?", re.ASCII)


class TenantUrls:
    """Reads the tenant from the URLs of requests."""

    def __init__(self, settings: Settings) -> None:
        self._taken = settings.http_prefix.startswith(f"/{SEGMENT}/")
        self._suffix = f".{settings.http_tenant_domain}" if settings.http_tenant_domain else ""
        # Behind a public URL the host of a request is a proxy's word for this process.
        self._hosts_count = settings.http_public_url is None
        self._trust_forwarded = settings.http_trust_forwarded

    def split(self, path: str) -> tuple[str | None, str]:
        """The segment that names a tenant, as it was sent, and the path behind it."""
        if self._taken or not (match := _PATH.fullmatch(path)):
            return None, path
        return match[1], match[2] or "/"

    def expectation(self, http: BaseRequest, segment: str | None) -> str:
        """What the service is to be told that the URL says; empty for nothing."""
        names, host = set(), None
        if segment is not None:
            names.add(segment if _NAME.fullmatch(segment) else "")
        if self._hosts_count and (match := _HOST.fullmatch(self._host(http).lower())):
            label = match[1].removesuffix(self._suffix) if self._suffix else match[1]
            if label != match[1] and "." not in label:
                names.add(label)
            else:
                host = match[1]
        # Two names are no tenant's.
        said = [(EXPECTED_NAME, names.pop() if len(names) == 1 else "")] if names else []
        if host:
            said.append((EXPECTED_HOST, host))
        return ",".join(f"{kind}:{name}" for kind, name in said)

    def _host(self, http: BaseRequest) -> str:
        headers = http.headers
        forwarded = headers.get("X-Forwarded-Host", "") if self._trust_forwarded else ""
        return forwarded.partition(",")[0].strip() or headers.get("Host", "")
