"""Several workers of the service, and the parent that minds them."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.harness.processes import service_process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.processes import Running

SECONDS = 60


@pytest.fixture
def running(database_url: str, tmp_path: Path) -> Iterator[Running]:
    with service_process(database_url, tmp_path, workers=2) as (running, _):
        yield running


def test_the_end_of_one_worker_ends_the_service(running: Running) -> None:
    os.kill(int(running.processes()[-1]), signal.SIGKILL)
    assert running.process.wait(SECONDS) == 1
    assert '"service.worker_ended"' in running.output.read_text()


def test_workers_end_with_their_parent(running: Running) -> None:
    running.process.terminate()
    assert running.process.wait(SECONDS) == 0
    assert "Traceback" not in running.output.read_text()
