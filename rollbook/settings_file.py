"""The YAML file that service, gateway and `make run` read their settings from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

DEFAULT_FILE: Final = Path("rollbook.yaml")
"""Read from the working directory when no other file is named."""


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
