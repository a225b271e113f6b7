"""Recorded exchanges that ask for what is not built yet: file → exchange → reason.

An exchange that is listed here and passes is a failure, so that the list stays true.
"""

from __future__ import annotations

from typing import Final

EXPECTED_FAILURES: Final[dict[str, dict[str, str]]] = {}
