"""Traces in logs tell where something went wrong, and nothing of what was at hand there."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

SECRET: Final = "what-somebody-sent"

FAILING: Final = """
import structlog
from {module} import {configure}
from {package}.settings import Settings

def check(password):
    at_hand = {{"password": password}}
    raise LookupError("it went wrong")

{configure}(Settings.model_construct(log_format="{form}", log_level="debug"))
try:
    check("-".join(["what", "somebody", "sent"]))
except LookupError:
    structlog.get_logger("gateway").exception("call.failed")
"""


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    ("module", "configure"), [("service.logs", "configure"), ("gateway.logs", "configure_logs")]
)
def test_a_trace_shows_no_values(module: str, configure: str, form: str) -> None:
    package = module.partition(".")[0]
    program = FAILING.format(module=module, configure=configure, package=package, form=form)
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert all(text in ran.stderr for text in ("call.failed", "it went wrong", "check"))
    assert SECRET not in ran.stdout + ran.stderr
