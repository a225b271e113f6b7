"""What a request says beside its body: identity, query, conditions and preferences."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import parse_qsl

from gateway.handlers.errors import bad_request
from gateway.scim.dialects import Reading
from gateway.scim.projection import EVERYTHING, Projection, projection_from_query
from rollbook.metadata import DIALECT, EXPECT_TENANT, REQUEST_ID, REVISION, SCHEMA
from rollbook.schema_sets import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp.web import BaseRequest

    from gateway.handlers.base_url import BaseUrl
    from gateway.handlers.claims import Claims
    from gateway.scim.dialects import Dialect

    Preference = Literal["minimal", "representation"]

_REQUEST_ID: Final = re.compile(r"[!-~]{1,128}")
_RETURN: Final = re.compile(
    r'(?:^|[,;])\s*return\s*=\s*"?(minimal|representation)"?\s*(?=$|[,;])', re.IGNORECASE
)
_IDEMPOTENCY_KEYS: Final = uuid.UUID("6f0f8f6b-54ad-5f7c-9f4e-0f2f6a5a7a58")
"""Namespace of the request ids made from keys that are no UUIDs (RFC 9562 §5.5)."""

MAX_QUERY_PARAMETERS: Final = 100


class ScimRequest:
    """A request being answered.

    `revision` is that of the write that it was, as far as there was one.
    `endpoint` is the name of its route and `id` the last segment of a resource's path; both are
    empty until the route is known. `dialect` is that of the connection it came on, and
    `dialect_name` what the service knows it by: empty for the gateway's own. `tenant_path` is the
    part of the path that names a tenant, as it was sent, and `expected_tenant` what the URL says
    of it to the service; both are empty where it says nothing.
    """

    __slots__ = (
        "_base_url_of",
        "_claims",
        "_credentials_key",
        "dialect",
        "dialect_name",
        "endpoint",
        "expected_tenant",
        "http",
        "id",
        "request_id",
        "revision",
        "schemas",
        "tenant_path",
    )

    def __init__(
        self, http: BaseRequest, base_url_of: BaseUrl, dialect: Dialect, claims: Claims
    ) -> None:
        self.http = http
        self.dialect = dialect
        self.dialect_name = ""
        self.endpoint = ""
        self.id = ""
        self.schemas = DEFAULT
        self.revision = ""
        self.tenant_path = ""
        self.expected_tenant = ""
        self.request_id = _request_id(http.headers.get("X-Request-Id"))
        self._base_url_of = base_url_of
        self._claims = claims
        self._credentials_key = b""

    @property
    def base_url(self) -> str:
        """The SCIM base URL as the client knows it. Raises HttpError for a bad Host."""
        return self._base_url_of(self.http, self.tenant_path)

    @property
    def has_credentials(self) -> bool:
        """Whether it has any, right or wrong."""
        return "Authorization" in self.http.headers

    @property
    def credentials_key(self) -> bytes:
        """What is kept by credentials is found by it: they are secrets, so it is their hash. The
        same ones may be another's in another tenant."""
        if not self._credentials_key:
            texts = (self.http.headers.get("Authorization", ""), self.expected_tenant)
            self._credentials_key = b"".join(
                hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest() for text in texts
            )
        return self._credentials_key

    def reading(self) -> Reading:
        """What its body and query are read under."""
        return Reading(self.dialect, schemas=self.schemas)

    def query(self) -> list[tuple[str, str]]:
        """The parameters of the query, decoded as a form. Raises HttpError."""
        return parse_query(self.http.rel_url.raw_query_string)

    def projection(self) -> Projection:
        """`attributes` and `excludedAttributes`. Raises HttpError or ScimError."""
        raw = self.http.rel_url.raw_query_string
        return _projection(raw) if raw else EVERYTHING

    def names_parameter(self, name: str) -> bool:
        """Whether the query has a parameter; case does not matter."""
        return any(key.lower() == name for key, _ in self.query())

    def preference(self) -> Preference | None:
        """`Prefer: return=…` (RFC 7240 §4.2); None without it."""
        values = self.http.headers.getall("Prefer", ())
        match = _RETURN.search(", ".join(values)) if values else None
        if match is None:
            return None
        return "minimal" if match[1].lower() == "minimal" else "representation"

    def if_match(self) -> str:
        """The condition of a write as it was sent, empty without one."""
        return self._condition("If-Match")

    def if_none_match(self) -> str:
        """The condition of a read as it was sent, empty without one."""
        return self._condition("If-None-Match")

    def _condition(self, name: str) -> str:
        value = ", ".join(self.http.headers.getall(name, ()))
        if not value.isascii():
            raise bad_request(f"{name} is no list of entity tags.")
        return value

    async def written(self, call: Any) -> Any:
        """The answer to a call that writes, whose revision is noted."""
        response = await call
        for key, value in await call.trailing_metadata():
            if key == REVISION:
                self.revision = value
        return response

    def idempotency_key(self) -> str:
        """`Idempotency-Key` as the UUID that is the request id of a write; empty without it.

        A key that is no UUID becomes the one of version 5 that it always gives.
        """
        key = self.http.headers.get("Idempotency-Key", "").strip().strip('"')
        if not key:
            return ""
        try:
            return str(uuid.UUID(key))
        except ValueError:
            key_bytes = key.encode("utf-8", "surrogateescape")
            return str(uuid.uuid5(_IDEMPOTENCY_KEYS, key_bytes.hex()))

    def metadata(self, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
        """What goes along with the call: credentials, the gateway's claims, the request's id, by
        which schemas it was translated, unless by those of the contract, and by which dialect it
        was read, unless by the gateway's own."""
        items = (*self._claims.of(self.http), (REQUEST_ID, self.request_id), *more)
        if self.expected_tenant:
            items = ((EXPECT_TENANT, self.expected_tenant), *items)
        if self.schemas.revision:
            items = ((SCHEMA, str(self.schemas.revision)), *items)
        if self.dialect_name:
            items = ((DIALECT, self.dialect_name), *items)
        return (*self._credentials(), *items)

    def metadata_outside_scim(self, *, with_credentials: bool) -> tuple[tuple[str, str], ...]:
        """What goes along with the call for a request that is none of SCIM's; without
        credentials where those of the request are not Rollbook's."""
        credentials = self._credentials() if with_credentials else ()
        claims = self._claims.outside_scim(self.http)
        expected = ((EXPECT_TENANT, self.expected_tenant),) if self.expected_tenant else ()
        return (*credentials, *claims, *expected, (REQUEST_ID, self.request_id))

    def authorization(self) -> str:
        """The Authorization header, empty without one."""
        return dict(self._credentials()).get("authorization", "")

    def _credentials(self) -> tuple[tuple[str, str], ...]:
        credentials = self.http.headers.getall("Authorization", ())
        return (("authorization", _metadata_value(credentials)),) if credentials else ()


def parse_query(text: str) -> list[tuple[str, str]]:
    """Names and values of a query string. Raises HttpError."""
    try:
        text.encode()
        return parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=MAX_QUERY_PARAMETERS
        )
    except UnicodeError as error:
        raise bad_request("The query is not in UTF-8.") from error
    except ValueError as error:
        raise bad_request(f"The query has more than {MAX_QUERY_PARAMETERS} parameters.") from error


@lru_cache(maxsize=256)
def _projection(raw_query: str) -> Projection:
    return projection_from_query(parse_query(raw_query))


def _request_id(given: str | None) -> str:
    """The client's id of the request if it is fit for logs and headers, else a new one."""
    return given if given and _REQUEST_ID.fullmatch(given) else os.urandom(16).hex()


def _metadata_value(credentials: Sequence[str]) -> str:
    """Credentials as metadata can carry them; any that it cannot are wrong ones, and so are
    several: a proxy might have looked at others than the service would."""
    value = credentials[0]
    fit = len(credentials) == 1 and value.isascii() and value.isprintable()
    return value if fit else "invalid"
