"""A number that the workers of a machine share, so that what one revokes no other still believes.

Whoever withdraws a right calls `advance` after the commit and before the answer; whoever keeps
something that rests on rights notes `current` before reading it, and believes it only as long
as that is still the same. It is a word of memory that the processes share: reading it costs
nanoseconds. Other machines have their own; there what is kept has to age.

One file may hold several numbers, in slots: who keeps something of one tenant need not believe it
less for what happens in most of the others.
"""

from __future__ import annotations

import secrets
from typing import Final

from service.shared_memory import SharedWords

RIGHTS: Final = 1
"""The slot that a change of what principals may do advances: memberships, roles, activity. Who
keeps something of somebody's credentials looks at it too; those of an identity provider are
nobody's, and live on while it provisions."""

SLOTS: Final = 2
"""How many numbers there are for credentials and rights."""


class Epoch(SharedWords):
    """The number. `current` is drawn at random by each `advance`: one store, so that processes
    that advance at the same time need no lock and no number comes back."""

    @property
    def current(self) -> int:
        """The number as it is now, in every process."""
        return self._words[0]

    def at(self, slot: int) -> int:
        """The number of a slot; `current` is that of the first."""
        return self._words[slot]

    def advance(self, slot: int = 0) -> None:
        """Let everything that was noted under earlier numbers be believed no more."""
        self._words[slot] = secrets.randbits(64)
