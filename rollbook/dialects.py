"""The names of what a SCIM connection may say of how its requests are read; the gateway knows what
they mean."""

from __future__ import annotations

from typing import Final

DIALECT_NAMES: Final = ("lenient", "okta", "entra", "strict")

UNKNOWN_ATTRIBUTES: Final = ("ignore", "keep", "refuse")
"""What may become of attributes that no schema has."""


def reading_name(dialect: str, unknown_attributes: str) -> str:
    """One name for both, either of which may be empty: by it gateway and service say how a request
    is to be read."""
    return f"{dialect}+{unknown_attributes}" if unknown_attributes else dialect
