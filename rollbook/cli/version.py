"""The version of the command."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import typer


def _installed_version() -> str:
    try:
        return version("rollbook")
    except PackageNotFoundError:
        return "of a source tree that is not installed"


VERSION = _installed_version()


def print_version(wanted: bool) -> None:  # noqa: FBT001  a callback of typer
    """Print the version and exit, if it is wanted."""
    if wanted:
        typer.echo(f"rollbook {VERSION}")
        raise typer.Exit
