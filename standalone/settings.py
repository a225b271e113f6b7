"""Settings of `make run`: environment over `rollbook.yaml`.

Service and gateway are started with the same environment and file and read their own settings
there; these are the ones that say how they are put together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pydantic
from pydantic import Field, SecretStr

from rollbook import settings_file
from rollbook.settings_file import FileSettings, faults_of
from standalone.errors import StandaloneError


class Settings(FileSettings):
    """Each is an environment variable with the prefix ROLLBOOK_, and a key of the same name in
    lower case in the YAML file."""

    data_dir: Path = Path(".rollbook")
    """The embedded database and what else has to be kept."""
    database_url: SecretStr | None = None
    """PostgreSQL to use; none is embedded then."""
    grpc_listen: str = "127.0.0.1:50051"
    http_listen: str = "127.0.0.1:8080"
    bootstrap_token: SecretStr | None = None
    """An administrator's token; made at the first start when there is none."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes of the service."""
    http_workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Processes of the gateway."""
    http_tls_certificate: Path | None = None
    """With it the gateway answers HTTPS."""
    http_prefix: str = "/scim/v2"
    http_public_url: str | None = None

    @property
    def http_scheme(self) -> str:
        return "https" if self.http_tls_certificate else "http"


def read_settings() -> Settings:
    """The settings, or StandaloneError that names the one that cannot be used."""
    try:
        return Settings(**settings_file.read())
    except pydantic.ValidationError as error:
        raise StandaloneError("; ".join(faults_of(error))) from error
    except settings_file.SettingsFileError as error:
        raise StandaloneError(str(error)) from error
