"""The number that workers share."""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from service.epoch import Epoch
from service.shared_memory import _try_lock

if TYPE_CHECKING:
    from pathlib import Path


def test_what_one_advances_all_see(tmp_path: Path) -> None:
    one, other = Epoch.shared(tmp_path, "x"), Epoch.shared(tmp_path, "x")
    before = other.current
    one.advance()
    assert other.current == one.current != before
    other.advance()
    assert other.current == one.current
    one.close()
    other.close()


def test_no_number_comes_back(tmp_path: Path) -> None:
    epoch = Epoch.shared(tmp_path, "x")
    numbers = []
    for _ in range(1_000):
        epoch.advance()
        numbers.append(epoch.current)
    assert len(set(numbers)) == len(numbers)
    epoch.close()


def _advance(directory: Path, before: Any, after: Any) -> None:
    epoch = Epoch.shared(directory, "x")
    before.put(epoch.current)
    epoch.advance()
    after.put(epoch.current)


def test_other_processes_see_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    before, after = context.Queue(), context.Queue()
    epoch = Epoch.shared(tmp_path, "x")
    epoch.advance()
    mine = epoch.current
    process = context.Process(target=_advance, args=(tmp_path, before, after))
    process.start()
    assert before.get(timeout=20) == mine
    assert after.get(timeout=20) == epoch.current != mine
    process.join()
    epoch.close()


def test_the_last_one_removes_the_file(tmp_path: Path) -> None:
    one, other = Epoch.shared(tmp_path, "x"), Epoch.shared(tmp_path, "x")
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    one.close()
    assert file.exists()
    other.close()
    assert not file.exists()


def test_those_who_go_at_the_same_time_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(2)

    def try_lock(descriptor: int) -> bool:
        together.wait(10)
        locked = _try_lock(descriptor)
        together.wait(10)
        return locked

    monkeypatch.setattr("service.shared_memory._try_lock", try_lock)
    for _ in range(20):
        epochs = [Epoch.shared(tmp_path, "x") for _ in range(2)]
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(Epoch.close, epochs))
        assert not list(tmp_path.iterdir())


def test_a_file_left_behind_is_taken_up(tmp_path: Path) -> None:
    (tmp_path / f"rollbook-{os.geteuid()}-x").write_bytes(b"")
    epoch = Epoch.shared(tmp_path, "x")
    epoch.advance()
    assert epoch.current
    epoch.close()
    assert not list(tmp_path.iterdir())


def test_names_keep_apart(tmp_path: Path) -> None:
    one, other = Epoch.shared(tmp_path, "x"), Epoch.shared(tmp_path, "y")
    before = other.current
    one.advance()
    assert other.current == before
    one.close()
    other.close()


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me = os.geteuid()
    (tmp_path / f"rollbook-{me + 1}-x").touch()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    with pytest.raises(PermissionError, match="another user"):
        Epoch.shared(tmp_path, "x")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / f"rollbook-{os.geteuid()}-x").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        Epoch.shared(tmp_path, "x")
    assert not (tmp_path / "elsewhere").exists()


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Epoch.shared(tmp_path / "nowhere", "x")
