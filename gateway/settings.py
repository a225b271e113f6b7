"""What an operator can set: environment variables `ROLLBOOK_…`, over a YAML file.

The keys of the file are the same names in lower case without the prefix. Service, gateway and
`make run` read one file; a key that is not listed here belongs to another of them.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, FilePath, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from gateway.scim.dialects import DIALECTS, LENIENT, Dialect
from rollbook import settings_file
from rollbook.client import TLS
from rollbook.metadata import GatewaySecret  # noqa: TC001 - pydantic reads the annotation
from rollbook.settings_file import FileSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


MAX_WORKERS: Final = 256

_ADDRESS: Final = re.compile(
    r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<host>[^\[\]:/]+)):(?P<port>\d{1,5})", re.ASCII
)
_MAX_PORT: Final = 65535
_UNIX: Final = "unix:"
_EVERY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound


_OF_SCIM: Final = {
    "dialect": "scim_dialect",
    "unknown_attributes": "scim_unknown_attributes",
    "roles": "scim_roles",
}


class SettingsError(Exception):
    """The settings cannot be used; the message names the culprit."""


class Address(NamedTuple):
    """Where a TCP server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """`host:port`, an IPv6 address in brackets. Raises ValueError."""
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or int(match["port"]) > _MAX_PORT:
        raise ValueError(f"{text!r} is not host:port, e.g. 127.0.0.1:8080 or [::1]:8080")
    return Address(match["v6"] or match["host"], int(match["port"]))


def _checked_address(text: str) -> str:
    return str(parse_address(text))


def _checked_dialect(name: str) -> str:
    if name not in DIALECTS:
        raise ValueError(f"{name!r} is no dialect; there are {', '.join(DIALECTS)}")
    return name


class Settings(FileSettings):
    """Settings of the gateway; each field's description is its documentation."""

    model_config = SettingsConfigDict(frozen=True)

    http_listen: Annotated[str, AfterValidator(_checked_address)] = Field(
        "127.0.0.1:8080", description="host:port to answer SCIM on"
    )
    http_prefix: str = Field("/scim/v2", description="path of the SCIM base URL")
    http_public_url: str | None = Field(
        None,
        description="scheme and host that clients see, e.g. https://id.acme.example;"
        " by default those of each request",
    )
    http_tenant_domain: str | None = Field(
        None,
        description="domain whose subdomains name tenants: with scim.acme.example the host"
        " sales.scim.acme.example is that of the tenant sales (docs/tenants.md)",
    )
    http_trust_forwarded: bool = Field(
        default=False,
        description="believe X-Forwarded-Proto, -Host, -Port and -Prefix;"
        " only behind a proxy that sets them",
    )
    http_tls_certificate: FilePath | None = Field(
        None,
        description="PEM of the certificate, with its chain, to answer HTTPS with, and nothing"
        " else; read again when it has changed",
    )
    http_tls_key: FilePath | None = Field(None, description="PEM of its private key")
    http_workers: int = Field(1, ge=1, le=MAX_WORKERS, description="processes that share the port")
    http_max_body_bytes: int = Field(
        4 * 1024 * 1024, ge=1024, le=64 * 1024 * 1024, description="largest request body"
    )
    http_body_timeout: float = Field(
        30, gt=0, description="seconds a client may take to send a body"
    )
    http_write_timeout: float = Field(
        60, gt=0, description="seconds a client may take to read an answer"
    )
    http_max_requests: int = Field(
        1_000, ge=1, description="requests that a process has open at once; more get 503"
    )
    http_max_connections: int = Field(
        10_000,
        ge=1,
        description="connections that a process has; of more, one without a request is closed",
    )
    http_idle_timeout: float = Field(
        75,
        gt=0,
        description="seconds until a connection without a request, or with an unfinished"
        " request head, is closed; longer than that of a proxy in front",
    )
    http_request_timeout: float = Field(
        25, gt=0, description="seconds the service may take for a request"
    )
    http_drain_delay: float = Field(
        0,
        ge=0,
        description="seconds between /readyz failing and the port closing when stopped;"
        " what a load balancer needs to notice",
    )
    http_drain_timeout: float = Field(
        20, ge=0, description="seconds that running requests get to finish when stopped"
    )
    scim_dialect: Annotated[str, AfterValidator(_checked_dialect)] = Field(
        LENIENT.name,
        description=f"which habits of clients are accepted: {', '.join(DIALECTS)}"
        " (docs/dialects.md); in the file, dialect in the block scim",
    )
    scim_unknown_attributes: Literal["ignore", "keep"] = Field(
        "ignore",
        description="what becomes of attributes that no schema has, unless the dialect refuses"
        " them; kept ones are shown in an extension (docs/extensions.md); in the file,"
        " unknown_attributes in the block scim",
    )
    scim_roles: bool = Field(
        default=False,
        description="whether clients can discover the roles that there are, at /Roles"
        " (docs/roles.md); in the file, roles in the block scim",
    )
    http_access_log: bool = Field(default=False, description="log every request")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="debug, info, warning or error"
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="json, console, or auto: console on a terminal"
    )
    grpc_listen: str = Field(
        "127.0.0.1:50051", description="where the service listens, if grpc_target is not set"
    )
    grpc_target: str | None = Field(
        None,
        description="where the service is: host:port (a name may have several addresses),"
        " unix:/path, or several of one kind with commas between",
    )
    tls: bool = Field(
        default=False, description="talk to the service over TLS; the files below imply it"
    )
    tls_ca: FilePath | None = Field(
        None, description="PEM of the authorities to know the service by; the system's by default"
    )
    tls_cert: FilePath | None = Field(
        None, description="PEM of the certificate to show to the service, with tls_key"
    )
    tls_key: FilePath | None = Field(None, description="PEM of its private key")
    gateway_secret: GatewaySecret | None = Field(
        None,
        description="what the service knows its gateways by, the same there, of 16 characters or"
        " more; not needed over a Unix socket",
    )

    @field_validator("http_prefix")
    @classmethod
    def _prefix(cls, value: str) -> str:
        segments = [segment for segment in value.split("/") if segment]
        if any(not re.fullmatch(r"[\w.~-]+", segment, re.ASCII) for segment in segments):
            raise ValueError(f"{value!r} is not a path such as /scim/v2")
        return "".join(f"/{segment}" for segment in segments)

    @field_validator("http_tenant_domain")
    @classmethod
    def _domain(cls, value: str | None) -> str | None:
        if value is None:
            return None
        domain = value.lower().strip(".")
        if not re.fullmatch(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*", domain, re.ASCII):
            raise ValueError(f"{value!r} is no domain such as scim.acme.example")
        return domain

    @field_validator("http_public_url")
    @classmethod
    def _public_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
            raise ValueError(f"{value!r} is not a URL such as https://id.acme.example")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        for certificate, key in (("http_tls_certificate", "http_tls_key"), ("tls_cert", "tls_key")):
            if (getattr(self, certificate) is None) != (getattr(self, key) is None):
                raise ValueError(f"{certificate} and {key} are given together")
        return self

    @property
    def service_tls(self) -> TLS | None:
        """How to secure the channel to the service; None in the clear. Raises SettingsError."""
        files = (self.tls_ca, self.tls_cert, self.tls_key)
        if not self.tls and not any(files):
            return None
        # Over a Unix socket nobody listens in, and the service takes no TLS there.
        if self.service_target.startswith(_UNIX):
            return None
        try:
            return TLS.from_files(*files)
        except OSError as error:
            raise SettingsError(f"Cannot read {error.filename}: {error.strerror}") from error

    @property
    def dialect(self) -> Dialect:
        """Which habits of clients are accepted, and what is kept of the others."""
        dialect = DIALECTS[self.scim_dialect]
        keeps = self.scim_unknown_attributes == "keep"
        return replace(dialect, keeps_unmapped=True) if keeps else dialect

    @property
    def slow_requests(self) -> int:
        """How many requests may wait for their clients to send a body, or to read an answer: too
        few to keep others out."""
        return max(1, self.http_max_requests // 4)

    @property
    def http_address(self) -> Address:
        """Where to listen."""
        return parse_address(self.http_listen)

    @property
    def service_target(self) -> str:
        """The service's name for a gRPC channel. Raises SettingsError."""
        return channel_target(self.grpc_target or _reachable(self.grpc_listen))


def load_settings(file: Path | None = None) -> Settings:
    """Reads the environment and a YAML file: `file`, which has to exist, or `rollbook.yaml`.

    Raises SettingsFileError when the file cannot be read, pydantic.ValidationError when a value
    is not valid.
    """
    return Settings(**_flat(settings_file.read(file)))


def _flat(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a file with the keys of the block `scim` that are settings here, by the names
    that they have here; the rest of the block is the service's."""
    scim = content.get("scim")
    chosen = (
        {name: scim[key] for key, name in _OF_SCIM.items() if key in scim}
        if isinstance(scim, dict)
        else {}
    )
    return {**content, **chosen}


def channel_target(text: str) -> str:
    """One name in gRPC's syntax for one or several addresses of the service.

    Raises SettingsError.
    """
    targets = [target.strip() for target in text.split(",") if target.strip()]
    if targets and all(target.startswith(_UNIX) for target in targets):
        paths = (target.removeprefix(_UNIX).removeprefix("//") for target in targets)
        return _UNIX + ",".join(paths)
    try:
        addresses = [parse_address(target) for target in targets]
    except ValueError as error:
        raise SettingsError(f"grpc_target: {error}") from error
    if len(addresses) == 1:
        return f"dns:///{addresses[0]}"
    return _addresses_target(addresses)


def _addresses_target(addresses: list[Address]) -> str:
    """Several addresses as one name; gRPC knows such names for IP addresses only."""
    try:
        versions = {ipaddress.ip_address(address.host).version for address in addresses}
    except ValueError:
        versions = set()
    if len(versions) != 1:
        raise SettingsError(
            "grpc_target: several targets have to be all Unix sockets, all IPv4 or all IPv6"
            " addresses; give one DNS name with several addresses instead."
        )
    return f"ipv{versions.pop()}:" + ",".join(map(str, addresses))


def _reachable(listen: str) -> str:
    """The address to connect to for one to listen on: the wildcard is no address of a host."""
    if listen.startswith(_UNIX):
        return listen
    try:
        address = parse_address(listen)
    except ValueError as error:
        raise SettingsError(f"grpc_listen: {error}") from error
    return str(address._replace(host=_EVERY_ADDRESS.get(address.host, address.host)))
