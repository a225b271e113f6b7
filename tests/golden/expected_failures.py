"""Recorded exchanges that ask for what is not built yet: file → exchange → reason.

An exchange that is listed here and passes is a failure, so that the list stays true.
"""

from __future__ import annotations

from typing import Final

EXPECTED_FAILURES: Final[dict[str, dict[str, str]]] = {}

MODES_NOT_BUILT: Final = {"product:tecton": "typed roles are not built yet"}
"""Modes that cannot be switched on yet: their exchanges are not sent."""

BUILT: Final = frozenset(
    {"service account create", "service account role change", "service account delete"}
)
"""Exchanges of such modes that need no more than what there is."""
