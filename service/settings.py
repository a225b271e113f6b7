"""Settings of the service: environment over `rollbook.yaml`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    DirectoryPath,
    Field,
    FilePath,
    SecretStr,
    model_validator,
)
from pydantic_settings import SettingsConfigDict

from rollbook import settings_file
from rollbook.metadata import GatewaySecret  # noqa: TC001  # pydantic reads the annotation
from rollbook.settings_file import FileSettings
from service.encryption import KEY_BYTES
from service.federation.documents import Reach  # noqa: TC001  # as above

if TYPE_CHECKING:
    from pathlib import Path


def keys_of(setting: SecretStr) -> list[bytes]:
    """The keys that a setting holds. Raises ValueError."""
    texts = [text.strip() for text in setting.get_secret_value().split(",")]
    if not all(re.fullmatch(f"[0-9a-fA-F]{{{2 * KEY_BYTES}}}", text) for text in texts):
        raise ValueError(
            f"each key has {2 * KEY_BYTES} hexadecimal digits: what `openssl rand -hex "
            f"{KEY_BYTES}` prints"
        )
    return [bytes.fromhex(text) for text in texts]


def _checked(setting: SecretStr) -> SecretStr:
    keys_of(setting)
    return setting


EncryptionKey = Annotated[SecretStr, AfterValidator(_checked)]


class ScimAuth(BaseModel):
    """Credentials for SCIM clients, as in Determined's configuration."""

    type: Literal["basic"] = "basic"
    username: str = Field(min_length=1, pattern="^[^:]*$")
    """Without a colon, which ends it in what a client sends (RFC 7617 §2)."""
    password: SecretStr = Field(min_length=1)


class Scim(BaseModel):
    """The `scim:` block: `{enabled, auth: {type: basic, username, password}}`, for the
    default connection of the default tenant."""

    enabled: bool | None = None
    """Applied at a start if it differs from what it was at the last; None as True."""
    auth: ScimAuth | None = None


class Settings(FileSettings):
    """What `python -m service` can be told. Each is an environment variable with the prefix
    ROLLBOOK_, and a key of the same name in lower case in the YAML file."""

    model_config = SettingsConfigDict(env_nested_delimiter="__")

    database_url: SecretStr
    grpc_listen: str = "127.0.0.1:50051"
    grpc_socket: str = ""
    """Path of a Unix socket to listen on besides; worker number n listens on `<path>.n`. Who can
    enter it is taken for a gateway."""
    grpc_tls_certificate: FilePath | None = None
    """PEM of the certificate, with its chain, that listeners on the network show; with it they
    take nothing but TLS. The files are read again when they have changed."""
    grpc_tls_key: FilePath | None = None
    """PEM of its private key."""
    grpc_tls_client_ca: FilePath | None = None
    """PEM of the authorities whose certificates clients have to show: at `grpc_mtls_listen`, or at
    `grpc_listen` when there is no such."""
    grpc_mtls_listen: str = ""
    """A second address, for clients that show certificates; the others go on using the first."""
    issuer_reach: Reach = "public"
    """Where issuers of tokens may be that tenants trust: on the internet, in one's own network,
    too ("private"), or on this machine, too, and there over plain HTTP ("local")."""
    gateway_secret: GatewaySecret | None = None
    """What a gateway shows that comes over the network."""
    encryption_key: EncryptionKey | None = None
    """Encrypts secrets that the service has to show to others, such as those by which sign-in
    providers know it: 32 bytes in hexadecimal. Behind a comma former ones may follow, which
    decrypt. Without it the key is in the database."""
    run_dir: DirectoryPath | None = None
    """Where the workers of this machine share what they revoke; by default in memory."""
    bootstrap_token: SecretStr | None = None
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    database_connections: Annotated[int, Field(ge=1, le=1000)] = 10
    """How many connections each worker opens to the database."""
    max_request_bytes: Annotated[int, Field(ge=65_536)] = 16 * 1024 * 1024
    message_timeout: Annotated[float, Field(gt=0)] = 30.0
    """How many seconds a call's message may take to arrive."""
    max_concurrent_calls: Annotated[int, Field(ge=1)] = 1_000
    """How many calls a worker has open at once; more are told to come back later."""
    access_cache_bytes: Annotated[int, Field(ge=1024 * 1024)] = 64 * 1024 * 1024
    """How much memory a worker uses for principals whose access it has been asked about."""
    max_connections: Annotated[int, Field(ge=1)] = 10_000
    """How many connections each address that a worker listens on has; more are closed."""
    rate_limit: Annotated[int, Field(ge=0, le=1_000_000)] = 5_000
    """How many calls a second each credential may make, all workers of a machine together; 0 for
    any number. After a pause it may be `rate_burst` at once."""
    rate_burst: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    tenant_rate_limit: Annotated[int, Field(ge=0, le=1_000_000)] = 10_000
    """The same for all credentials of a tenant together."""
    tenant_rate_burst: Annotated[int, Field(ge=1, le=10_000_000)] = 20_000
    drain_seconds: Annotated[float, Field(ge=0)] = 10.0
    """How long calls that run may go on after SIGTERM."""
    reflection: bool = True
    log_format: Literal["auto", "json", "console"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    scim: Scim = Scim()
    http_public_url: str = ""
    """Scheme and host that clients see of the gateway; like the next a setting of the gateway's
    too, which is shown here to administrators."""
    http_prefix: str = "/scim/v2"
    """Path of the SCIM base URL."""

    def root_url_of(self, tenant: str) -> str:
        """What the URLs of a tenant begin with, by its name, which is empty for the default one;
        its path alone where the public URL is not set."""
        within = f"/t/{tenant}" if tenant else ""
        return f"{self.http_public_url.rstrip('/')}{within}"

    def base_url_of(self, tenant: str) -> str:
        """The SCIM base URL of a tenant."""
        path = "/".join(part for part in self.http_prefix.split("/") if part)
        return f"{self.root_url_of(tenant)}/{path}"

    def encryption_keys(self) -> list[bytes]:
        """The keys of the setting, that of today first."""
        return keys_of(self.encryption_key) if self.encryption_key else []

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.grpc_tls_certificate is None) != (self.grpc_tls_key is None):
            raise ValueError("grpc_tls_certificate and grpc_tls_key are given together")
        if self.grpc_tls_client_ca and not self.grpc_tls_certificate:
            raise ValueError("grpc_tls_client_ca takes grpc_tls_certificate and grpc_tls_key too")
        if self.grpc_mtls_listen and not self.grpc_tls_client_ca:
            raise ValueError("grpc_mtls_listen takes grpc_tls_client_ca: whom to let in")
        return self


def load_settings(file: Path | None = None) -> Settings:
    """Settings from the environment, then from a YAML file.

    Raises SettingsFileError, or pydantic.ValidationError when a value is not valid.
    """
    return Settings(**settings_file.read(file))
