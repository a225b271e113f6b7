"""What can go wrong on one machine, told to the person who typed the command."""

from __future__ import annotations


class StandaloneError(Exception):
    """Something that keeps Rollbook from running; the text says what, and what to do."""
