"""`python -m rollbook.cli`, as the `rollbook` command."""

from __future__ import annotations

from rollbook.cli import main

main()
