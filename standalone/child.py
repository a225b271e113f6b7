"""Child processes that do not outlive their parent, however it dies.

Linux sends a child a signal of its choice when its parent ends, even by `kill -9`. A child has
to ask for that itself, so this file is also a script that asks and then becomes the command.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import signal
    from collections.abc import Sequence

PR_SET_PDEATHSIG: Final = 1
"""From `<linux/prctl.h>`; see prctl(2)."""


def bound_to_parent(
    command: Sequence[str],
    death_signal: signal.Signals,
    *,
    user: int | None = None,
    group: int | None = None,
) -> list[str]:
    """The command line that runs `command`, which gets `death_signal` when this process ends.

    The command keeps the process id of the child. Start it from a thread that lives as long as
    the process: to Linux a child's parent is the thread that made it. With `user` and `group`
    root runs it as someone else, who need not be able to read the Python interpreter.
    """
    script = [sys.executable, "-I", "-S", os.path.realpath(__file__)]
    options = [f"--death-signal={int(death_signal)}", f"--parent={os.getpid()}"]
    options += [] if user is None else [f"--user={user}"]
    options += [] if group is None else [f"--group={group}"]
    return [*script, *options, "--", *command]


def become(arguments: argparse.Namespace) -> None:
    """Asks for the signal and becomes the command, unless the parent is already gone."""
    if arguments.group is not None:
        os.setgroups([])
        os.setgid(arguments.group)
    if arguments.user is not None:
        os.setuid(arguments.user)
    if sys.platform == "linux":
        _ask_for_signal(arguments.death_signal)
        if os.getppid() != arguments.parent:
            return
    os.execvp(arguments.command[0], arguments.command)  # noqa: S606 - no shell is wanted


def _ask_for_signal(death_signal: int) -> None:
    """After any change of user, which takes it back."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--death-signal", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--user", type=int)
    parser.add_argument("--group", type=int)
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


if __name__ == "__main__":
    become(_arguments())
