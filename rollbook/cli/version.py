"""The version of the command."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import typer


def current_version() -> str:
    """The version installed, or that of the work tree that the command runs from."""
    try:
        return version("rollbook")
    except PackageNotFoundError:
        project = Path(__file__).resolve().parents[2] / "pyproject.toml"
        return str(tomllib.loads(project.read_text("utf-8"))["project"]["version"])


def print_version(wanted: bool) -> None:  # noqa: FBT001  a callback of typer
    """Print the version and exit, if it is wanted."""
    if wanted:
        typer.echo(f"rollbook {current_version()}")
        raise typer.Exit
