"""The names of the dialects that a SCIM connection may have; the gateway knows what they mean."""

from __future__ import annotations

from typing import Final

DIALECT_NAMES: Final = ("lenient", "okta", "entra", "strict")
