"""Secrets that somebody gives to a command, and that leave no trace on the command line."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path


def read_secret(file: Path | None, what: str, otherwise: str) -> str:
    """What somebody types twice at a terminal, or else the first line of a file, of standard input
    without one. `otherwise` says what to do to have none. Raises ValueError when it cannot be
    had."""
    if file is None and sys.stdin.isatty():
        return _asked(what)
    try:
        text = sys.stdin.read() if file in {None, Path("-")} else file.read_text()
    except (OSError, UnicodeError) as error:
        raise ValueError(f"The {what} cannot be read: {error}") from error
    if secret := text.partition("\n")[0].rstrip("\r"):
        return secret
    raise ValueError(f"The {what} is empty; {otherwise}.")


def _asked(what: str) -> str:
    """What somebody types twice. Raises ValueError when it is not the same."""
    secret = getpass.getpass(f"New {what}: ", stream=sys.stderr)
    if secret and secret == getpass.getpass("Once more: ", stream=sys.stderr):
        return secret
    raise ValueError("The two are not the same." if secret else f"The {what} is empty.")
