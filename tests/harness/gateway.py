"""A real gateway before whatever service a test names, and a client that speaks HTTP with it."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from aiohttp import ClientSession, ClientTimeout
from aiohttp.web import ServerRunner, TCPSite

from gateway.app import Gateway
from gateway.connection import connect
from gateway.http_server import HttpServer
from gateway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
SCIM_JSON: Final = "application/scim+json; charset=utf-8"


class Client:
    """Speaks HTTP with one gateway; `url` is where its root is."""

    def __init__(self, session: ClientSession, url: str, gateway: Gateway) -> None:
        self.session = session
        self.url = url
        self.gateway = gateway

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        prefix: str = "/scim/v2",
        **headers: str,
    ) -> Answer:
        """Sends `body` as JSON, or as it is when it is bytes or a generator."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        data = json.dumps(body).encode() if isinstance(body, dict | list) else body
        if data is not None:
            fields.setdefault("Content-Type", "application/scim+json")
        async with self.session.request(
            method, self.url + prefix + path, data=data, headers=fields, allow_redirects=False
        ) as response:
            return Answer(response.status, response.headers.copy(), await response.read())

    async def raw(self, request: bytes) -> bytes:
        """All that comes back for bytes on the wire."""
        host, port = self.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return answer


class Answer:
    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.text = body
        self.json: Any = json.loads(body) if body else None


@asynccontextmanager
async def running_gateway(target: str, **settings: object) -> AsyncIterator[Client]:
    read = Settings.model_construct(
        **{**Settings.model_construct().__dict__, "grpc_target": target, **settings}
    )
    async with connect(read.service_target) as stubs:
        gateway = Gateway(read, stubs)
        runner = ServerRunner(HttpServer(gateway.handle, read), shutdown_timeout=1)
        await runner.setup()
        await TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with ClientSession(
            timeout=ClientTimeout(10),
            auto_decompress=False,
            skip_auto_headers=("Accept-Encoding",),
        ) as session:
            yield Client(session, url, gateway)
        await runner.cleanup()


def assert_error(answer: Answer, status: int, scim_type: str | None = None) -> None:
    assert answer.status == status, answer.text
    assert answer.headers["Content-Type"] == SCIM_JSON
    assert answer.json["schemas"] == [ERROR]
    assert answer.json["status"] == str(status)
    assert answer.json.get("scimType") == scim_type
    assert answer.json["detail"]
