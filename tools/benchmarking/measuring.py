"""Time and peak memory of a piece of work."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

Work = Callable[[], Any]
WARM_UP_RUNS = 1  # the first run fills caches and loads kernels
MEMORY_RUNS = 2  # the second one has what the first one leaves: gradients, an optimizer's state
LINUX_STATUS, LINUX_CLEAR_REFS = Path('/proc/self/status'), Path('/proc/self/clear_refs')
RESET_PEAK = '5'


@dataclass(frozen=True)
class Timing:
    """Seconds of alternating runs.

    Attributes:
        ours: Of each run.
        peer: Of the peer's run right after it.
    """

    ours: list[float]
    peer: list[float]

    @property
    def ratio(self) -> float:
        """Our median over the peer's."""
        return median(self.ours) / median(self.peer)

    @property
    def spread(self) -> tuple[float, float]:
        """Least and greatest ratio of two runs that followed each other."""
        ratios = [ours / peer for ours, peer in zip(self.ours, self.peer, strict=True)]
        return min(ratios), max(ratios)


@dataclass(frozen=True)
class Memory:
    """Bytes of a piece of work, beyond the imported code.

    Attributes:
        held: By model and inputs, before the work.
        extra: At the peak of the work, on top of that.
    """

    held: int
    extra: int

    @property
    def peak(self) -> int:
        """What the whole takes at its peak."""
        return self.held + self.extra


def alternate(ours: Work, peer: Work, *, rounds: int) -> Timing:
    """Time two pieces of work in turn, so that whatever else the machine does hits both.

    Args:
        ours: Our work.
        peer: The same work of the peer.
        rounds: Runs of each, after a warm-up.
    """
    for work in (ours, peer):
        for _ in range(WARM_UP_RUNS):
            work()
    seconds = [(seconds_of(ours), seconds_of(peer)) for _ in range(rounds)]
    return Timing(*map(list, zip(*seconds, strict=True)))


def seconds_of(work: Work) -> float:
    """Run the work once."""
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def memory_of(make: Callable[[], Work], *, runs: int = MEMORY_RUNS) -> Memory:
    """Make a piece of work and run it, in a process that does nothing else.

    It is the process' resident memory, which Linux tells.

    Args:
        make: Builds model and inputs; the code that it needs is imported already.
        runs: How often the work is done.

    Raises:
        OSError: If the system is not Linux, or does not let a process reset its peak.
    """
    meter = _ResidentMeter()
    before = meter.current()
    work = make()
    gc.collect()
    held = meter.current()
    meter.reset()
    for _ in range(runs):
        work()
    return Memory(held - before, meter.peak() - held)


class _ResidentMeter:
    def current(self) -> int:
        return self._read('VmRSS')

    def peak(self) -> int:
        return self._read('VmHWM')

    def reset(self) -> None:
        LINUX_CLEAR_REFS.write_text(RESET_PEAK)

    def _read(self, name: str) -> int:
        line = next(line for line in LINUX_STATUS.read_text().splitlines() if line.startswith(f'{name}:'))
        return int(line.split()[1]) * 1024
