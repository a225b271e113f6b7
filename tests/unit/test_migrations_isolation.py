"""Migrations that change rows do it tenant by tenant: under row-level security a statement on all
of them finds none, and says nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from service.storage.migrations import load

if TYPE_CHECKING:
    from service.storage.migrations import Migration

ISOLATED_FROM = "0008"
ALL = [migration for migration in load() if migration.version > ISOLATED_FROM]
QUOTED = re.compile(r"\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'|--[^\n]*", re.DOTALL)
WRITE = re.compile(r"^\s*(?:INSERT INTO|UPDATE|DELETE FROM|WITH)\b.*", re.MULTILINE | re.IGNORECASE)


@pytest.mark.parametrize("migration", ALL, ids=lambda migration: migration.name)
def test_rows_are_changed_for_each_tenant(migration: Migration) -> None:
    """What stands in quotes is a function's body, or what `for_each_tenant` runs."""
    bare = QUOTED.sub("''", migration.sql)
    assert not WRITE.findall(bare), "SELECT for_each_tenant($$…$$) runs it on every tenant's rows"
