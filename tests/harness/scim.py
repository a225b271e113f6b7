"""A SCIM client as small as can be: what is sent is what the test says, nothing is added."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from aiohttp import ClientSession, ClientTimeout
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from multidict import CIMultiDictProxy

MEDIA_TYPE: Final = "application/scim+json"

_AUTOMATIC_HEADERS: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


@dataclass(frozen=True)
class ScimAnswer:
    """An HTTP response: `body` is the parsed JSON, None when there is none."""

    status: int
    headers: CIMultiDictProxy[str]
    body: Any

    @property
    def etag(self) -> str:
        """The entity tag; KeyError when the answer has none."""
        return self.headers["ETag"]

    @property
    def scim_type(self) -> str | None:
        """The scimType of an error answer."""
        found: str | None = self.body.get("scimType") if isinstance(self.body, dict) else None
        return found


class ScimClient:
    """Sends requests to one SCIM base URL with one bearer token."""

    def __init__(self, base_url: str, token: str, *, timeout: float = 30) -> None:
        self.base_url = base_url.rstrip("/")
        self.token = token
        self._session = ClientSession(
            skip_auto_headers=_AUTOMATIC_HEADERS, timeout=ClientTimeout(total=timeout)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> ScimAnswer:
        """Sends exactly these headers; `path` follows the base URL and is encoded already."""
        async with self._session.request(
            method,
            URL(self.base_url + path, encoded=True),
            headers=headers,
            data=body,
            allow_redirects=False,
        ) as response:
            text = await response.read()
            return ScimAnswer(response.status, response.headers, json.loads(text) if text else None)

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> ScimAnswer:
        """Sends JSON with this client's credentials; `bytes` are sent as they are."""
        sent = {"Authorization": f"Bearer {self.token}", "Accept": MEDIA_TYPE}
        if body is not None:
            sent["Content-Type"] = MEDIA_TYPE
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return await self.send(method, path, headers={**sent, **(headers or {})}, body=data)

    async def get(self, path: str, **headers: str) -> ScimAnswer:
        """GET; header names are written with underscores, e.g. `If_None_Match`."""
        return await self.request("GET", path, headers=_named(headers))

    async def post(self, path: str, body: object, **headers: str) -> ScimAnswer:
        """POST of a JSON value."""
        return await self.request("POST", path, body, headers=_named(headers))

    async def put(self, path: str, body: object, **headers: str) -> ScimAnswer:
        """PUT of a JSON value."""
        return await self.request("PUT", path, body, headers=_named(headers))

    async def patch(self, path: str, *operations: object, **headers: str) -> ScimAnswer:
        """PATCH with these operations."""
        body = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": list(operations),
        }
        return await self.request("PATCH", path, body, headers=_named(headers))

    async def delete(self, path: str, **headers: str) -> ScimAnswer:
        """DELETE."""
        return await self.request("DELETE", path, headers=_named(headers))


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
