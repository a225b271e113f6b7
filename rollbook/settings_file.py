"""Where service, gateway and `make run` take their settings from: environment variables
`ROLLBOOK_…`, over one YAML file that they share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from pydantic_settings import BaseSettings, SettingsConfigDict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError
    from pydantic_settings import PydanticBaseSettingsSource

DEFAULT_FILE: Final = Path("rollbook.yaml")
"""Read from the working directory when no other file is named."""


ENVIRONMENT_PREFIX: Final = "ROLLBOOK_"


class FileSettings(BaseSettings):
    """Settings whose constructor is given what the file says, if anything of theirs: a key that
    is not among them belongs to another program."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, env_ignore_empty=True, extra="ignore"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


class SettingsFileError(Exception):
    """The file cannot be used; the message names it and says why."""


def read(file: Path | None = None) -> dict[str, Any]:
    """The settings in `file`, which has to exist, or in `rollbook.yaml`, which need not.

    Raises SettingsFileError.
    """
    if file is None and not DEFAULT_FILE.is_file():
        return {}
    file = file or DEFAULT_FILE
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SettingsFileError(f"There is no file {file}.") from error
    except (yaml.YAMLError, ValueError, OSError) as error:
        raise SettingsFileError(f"{file} cannot be read as YAML: {error}") from error
    if content is not None and not isinstance(content, dict):
        raise SettingsFileError(f"{file} has to hold settings as `name: value`.")
    return {str(name): value for name, value in (content or {}).items()}


def faults_of(error: ValidationError) -> Iterator[str]:
    """What is wrong with settings, a sentence each, by the names of the variables to mend."""
    for fault in error.errors(include_url=False, include_input=False):
        name = "__".join(map(str, fault["loc"])).upper()
        message = fault["msg"].removeprefix("Value error, ")
        yield f"{ENVIRONMENT_PREFIX}{name}: {message}" if name else message
