"""Which dialect a request is read by: that of the SCIM connection whose credentials it has.

The gateway does not know connections, so dialects are kept by credentials, as schema sets are: it
tells the service by which dialect it has read a request, and the service refuses a call, naming the
right one, when that is another. Then the request is read once more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog
from grpc import StatusCode

from gateway.scim.dialects import DIALECTS, Dialect
from rollbook.dialects import UNKNOWN_ATTRIBUTES
from rollbook.errors import error_from_rpc

if TYPE_CHECKING:
    from grpc.aio import AioRpcError

    from gateway.handlers.request import ScimRequest

_log = structlog.get_logger(__name__)

_POLICIES: Final = ("", *UNKNOWN_ATTRIBUTES)

MAX_CREDENTIALS: Final = 10_000
"""Of how many credentials the dialect is kept; the oldest is forgotten for a new one."""


class Known(NamedTuple):
    """A dialect, and the name that the service knows it by: empty for the gateway's own."""

    dialect: Dialect
    name: str = ""


class ConnectionDialects:
    """The dialects of connections that name one; `default` is that of all others, and what it
    keeps of unknown attributes they keep too, unless they name what becomes of these."""

    def __init__(self, default: Dialect) -> None:
        self._default = Known(default)
        self._by_name = {
            name: replace(dialect, keeps_unmapped=default.keeps_unmapped)
            for name, dialect in DIALECTS.items()
        }
        self._by_credentials: dict[bytes, Known] = {}

    def known(self, scim: ScimRequest) -> Known:
        """The dialect that the credentials of a request had when the service last told."""
        if not self._by_credentials:
            return self._default
        return self._by_credentials.get(scim.credentials_key, self._default)

    def learn(self, scim: ScimRequest, failure: AioRpcError) -> bool:
        """Whether a call was refused because its request was read by another dialect than the
        connection's, which is known from then on."""
        if failure.code() is not StatusCode.FAILED_PRECONDITION:
            return False
        error = error_from_rpc(failure)
        if error.reason != "DIALECT_CHANGED":
            return False
        self._put(scim.credentials_key, error.metadata.get("dialect", ""))
        return True

    def _put(self, key: bytes, name: str) -> None:
        self._by_credentials.pop(key, None)
        if not name:
            return
        while len(self._by_credentials) >= MAX_CREDENTIALS:
            del self._by_credentials[next(iter(self._by_credentials))]
        self._by_credentials[key] = Known(self._named(name), name)

    def _named(self, name: str) -> Dialect:
        """The dialect of a `reading_name`."""
        dialect_name, _, policy = name.partition("+")
        dialect = self._by_name.get(dialect_name, self._default.dialect)
        if (dialect_name and dialect_name not in self._by_name) or policy not in _POLICIES:
            _log.warning("unknown_dialect", dialect=name, effect="the gateway's own is used")
        return dialect.treating_unknown(policy) if policy in UNKNOWN_ATTRIBUTES else dialect
