"""Network addresses to listen on: read, and found free before anything is started."""

from __future__ import annotations

import errno
import re
import socket
from typing import Final, NamedTuple

from standalone.errors import StandaloneError

_ADDRESS: Final = re.compile(
    r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<host>[^\[\]:/]+)):(?P<port>\d{1,5})"
)

_MAX_PORT: Final = 65535

_REACHED_AT: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound
"""Where a server is reached on this machine that listens on every address."""


class Address(NamedTuple):
    """A host, by name or number, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def reached_at(self) -> Address:
        """The address to connect to from this machine."""
        return Address(_REACHED_AT.get(self.host, self.host), self.port)


def free_address(setting: str, text: str) -> Address:
    """The address that a setting names, with port 0 replaced by one that is free.

    Raises StandaloneError when it is no address of this machine or is in use: gRPC would share
    the port with another program and never say so.
    """
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or int(match["port"]) > _MAX_PORT:
        raise StandaloneError(f"{setting} is {text!r}; it takes host:port, as 127.0.0.1:8080.")
    host, port = match["v6"] or match["host"], int(match["port"])
    try:
        return Address(host, _bind(host, port))
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        reason = "another program is using it" if in_use else str(error)
        raise StandaloneError(
            f"Cannot listen on {text}: {reason}. Set {setting} to another address."
        ) from error


def _bind(host: str, port: int) -> int:
    """The port, if it could be listened on at this moment."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen()
        bound: int = probe.getsockname()[1]
        return bound
