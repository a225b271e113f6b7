"""`rollbook user set-password` against a service in memory."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING

import pytest

from rollbook.cli.secrets import read_secret
from tests.harness.command import Command
from tests.harness.memory_service import TOKEN, MemoryService, running_memory_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def service() -> AsyncIterator[MemoryService]:
    async with running_memory_service() as memory:
        memory.add_user("ada")
        yield memory


@pytest.fixture
def rollbook(service: MemoryService) -> Command:
    return Command(service.address, TOKEN)


@pytest.mark.parametrize("line_end", ["", "\n", "\r\n", "\nmore\n"])
async def test_it_is_read_from_standard_input(
    service: MemoryService, rollbook: Command, line_end: str
) -> None:
    ran = await rollbook("user", "set-password", "ada", stdin=f" correct horse{line_end}")
    assert ran.exit_code == 0, ran.err
    assert list(service.passwords.by_id.values()) == [" correct horse"]
    assert "horse" not in ran.out + ran.err


async def test_it_is_read_from_a_file(
    service: MemoryService, rollbook: Command, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("correct horse\n")
    ran = await rollbook("user", "set-password", "ada", "--file", str(tmp_path / "secret"))
    assert ran.exit_code == 0, ran.err
    assert list(service.passwords.by_id.values()) == ["correct horse"]


async def test_it_is_taken_away(service: MemoryService, rollbook: Command) -> None:
    assert (await rollbook("user", "set-password", "ada", "--remove")).exit_code == 0
    assert list(service.passwords.by_id.values()) == [""]


@pytest.mark.parametrize(
    "arguments", [("ada",), ("ada", "--file", "nowhere"), ("ada", "correct horse")]
)
async def test_nothing_is_set_without_a_password(
    service: MemoryService, rollbook: Command, arguments: tuple[str, ...]
) -> None:
    assert (await rollbook("user", "set-password", *arguments)).exit_code == 2
    assert not service.calls


@pytest.mark.parametrize(
    ("typed", "read"),
    [(["one", "one"], "one"), (["one", "two"], ValueError), (["", ""], ValueError)],
)
def test_a_terminal_asks_twice(
    monkeypatch: pytest.MonkeyPatch, typed: list[str], read: str | type[Exception]
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(getpass, "getpass", lambda *_, **__: typed.pop(0))
    if isinstance(read, str):
        assert read_secret(None, "password", "have one") == read
    else:
        with pytest.raises(read):
            read_secret(None, "password", "have one")
