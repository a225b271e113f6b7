"""Whether processes hold more and more memory."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from tests.fuzz.processes import resident_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SAMPLES: Final = 50
_MEBIBYTE: Final = 1024 * 1024
_ALLOWED: Final = 1.10
_ALLOWED_MEBIBYTES: Final = 8
"""How much more the last samples may show than those of the middle: caches are full by then, and
what is left is the allocator's doing."""


class MemoryWatch:
    """Samples of the memory of processes over the course of a campaign."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self._processes = processes
        self._samples: dict[str, list[float]] = {name: [] for name in processes}
        self._taken = 0

    def sample(self, done: float) -> None:
        """Takes a sample when it is time: `done` is the share of the campaign that is over."""
        if done * _SAMPLES < self._taken:
            return
        self._taken += 1
        for name, process in self._processes.items():
            self._samples[name].append(resident_bytes(process) / _MEBIBYTE)

    def growth(self) -> Iterator[str]:
        """The processes that held clearly more at the end than halfway."""
        for name, samples in self._samples.items():
            half, end = self._levels(samples)
            if end > half * _ALLOWED + _ALLOWED_MEBIBYTES:
                yield f"{name} grew from {half:.0f} to {end:.0f} MiB in the second half: {samples}"

    def summary(self) -> str:
        """What was held at the beginning, halfway and at the end."""
        return "memory: " + "; ".join(
            "{} {:.0f} → {:.0f} → {:.0f} MiB".format(name, samples[0], *self._levels(samples))
            for name, samples in self._samples.items()
        )

    @staticmethod
    def _levels(samples: list[float]) -> tuple[float, float]:
        """What was held about the middle, and at the end: medians, since hashing a password
        takes 64 MiB for a moment."""
        middle, width = len(samples) // 2, len(samples) // 10 + 1
        return median(samples[middle - width : middle + width]), median(samples[-width:])
