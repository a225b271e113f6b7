"""Servers that answer a constant: the most that aiohttp and grpc.aio can do on this machine.

`python -m bench.ceilings http PORT` or `python -m bench.ceilings grpc ADDRESS`; the answer is read
from standard input, so that it is as long as a real one.
"""

from __future__ import annotations

import asyncio
import sys

import grpc
import uvloop
from aiohttp import web


async def serve_http(port: int, body: bytes) -> None:
    """Answers every GET with the same JSON."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/scim+json")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


async def serve_grpc(address: str, body: bytes) -> None:
    """Answers every call of `bench.Constant/Get` with the same bytes."""

    async def answer(_: bytes, __: object) -> bytes:
        return body

    server = grpc.aio.server()
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Get": grpc.unary_unary_rpc_method_handler(answer)
    }
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("bench.Constant", handlers),)
    )
    server.add_insecure_port(address)
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


def main() -> None:
    kind, address = sys.argv[1:]
    body = sys.stdin.buffer.read()
    serving = serve_http(int(address), body) if kind == "http" else serve_grpc(address, body)
    uvloop.run(serving)


if __name__ == "__main__":
    main()
