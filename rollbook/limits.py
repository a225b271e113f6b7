"""Limits and words of the contract that both sides have to know."""

from __future__ import annotations

from typing import Final

MAX_BULK_OPERATIONS: Final = 1_000
"""How many operations one bulk request has."""

ONESELF: Final = "me"
"""Stands for the id of the user whose credentials a call has, and is the id of nobody."""
