"""Quantities to compare: time, memory, agreement."""

from dataclasses import dataclass
from pkgutil import resolve_name
from statistics import median

from benchmarking.comparison import Comparison, Side
from benchmarking.fresh_process import in_fresh_process
from benchmarking.measuring import Memory, Timing, alternate, memory_of
from benchmarking.row import Row
from benchmarking.settings import Settings

GIGABYTE = 1e9


@dataclass(frozen=True)
class Time:
    """Our time over the peer's, in one process.

    Attributes:
        target: Greatest ratio.
    """

    target: float | None = None

    def row(self, comparison: Comparison, settings: Settings) -> Row:
        """Measure it."""
        timing = in_fresh_process(time_both, comparison, settings.rounds, threads=settings.threads)
        return _time_row(comparison, timing, timing.ratio, timing.spread, self.target)


@dataclass(frozen=True)
class TimeOfFurtherTask:
    """What each task after the first costs, over the cost of the first; the peer is our own work with one task.

    Attributes:
        target: Greatest ratio.
    """

    target: float

    def row(self, comparison: Comparison, settings: Settings) -> Row:
        """Measure it."""
        timing = in_fresh_process(time_both, comparison, settings.rounds, threads=settings.threads)
        further = len(comparison.ours.case.tasks) - 1
        low, high, value = ((ratio - 1) / further for ratio in (*timing.spread, timing.ratio))
        return _time_row(comparison, timing, value, (low, high), self.target)


@dataclass(frozen=True)
class PeakMemory:
    """Our peak memory over the peer's, each in a process of its own.

    Attributes:
        target: Greatest ratio.
    """

    target: float | None = None

    def row(self, comparison: Comparison, settings: Settings) -> Row:
        """Measure it."""
        ours, peer = (measured_memory(side, settings).peak / GIGABYTE for side in (comparison.ours, comparison.peer))
        what = f'{comparison.what}: peak memory'
        return Row(
            name=comparison.name, what=what, unit='GB', ours=ours, peer=peer, value=ours / peer, target=self.target
        )


@dataclass(frozen=True)
class ExtraMemory:
    """Our memory at the peak of the work, beyond what it was given.

    Attributes:
        target: At most, in GB.
    """

    target: float

    def row(self, comparison: Comparison, settings: Settings) -> Row:
        """Measure it."""
        ours, peer = (measured_memory(side, settings).extra / GIGABYTE for side in (comparison.ours, comparison.peer))
        what = f'{comparison.what}: extra memory in GB'
        return Row(name=comparison.name, what=what, unit='GB', ours=ours, peer=peer, value=ours, target=self.target)


@dataclass(frozen=True)
class KeptMemory:
    """The bytes that our work counts over those that the peer's counts.

    Attributes:
        target: Greatest ratio.
    """

    target: float

    def row(self, comparison: Comparison, settings: Settings) -> Row:
        """Measure it."""
        sides = comparison.ours, comparison.peer
        ours, peer = (in_fresh_process(run, side, threads=settings.threads) / GIGABYTE for side in sides)
        name, what = comparison.name, comparison.what
        return Row(name=name, what=what, unit='GB', ours=ours, peer=peer, value=ours / peer, target=self.target)


def run(side: Side) -> int:
    """Do the work of one side, in this process."""
    return side.make()()


@dataclass(frozen=True)
class PanopticAgreement:
    """Share of pixels that both panoptic maps give to the same segment, of a network fitted to the image.

    Attributes:
        target: Least share.
        steps: Of the fitting.
    """

    target: float
    steps: int = 80

    def row(self, comparison: Comparison, settings: Settings) -> Row:
        """Measure it."""
        steps = 2 if settings.quick else self.steps
        share, learnt = in_fresh_process(share_of_equal_pixels, comparison, steps, threads=settings.threads)
        what = f'{comparison.what}: share of pixels on which the panoptic maps agree ({learnt:.0%} of them right)'
        return Row(
            name=comparison.name, what=what, unit='', ours=share, value=share, target=self.target, at_least=True
        )


def share_of_equal_pixels(comparison: Comparison, steps: int) -> tuple[float, float]:
    """Call ``fitted.share_of_equal_pixels``, in this process."""
    return resolve_name('benchmarking.fitted:share_of_equal_pixels')(comparison, steps)


def time_both(comparison: Comparison, rounds: int) -> Timing:
    """Time both sides in turn, in this process."""
    ours, peer = comparison.ours.make(), comparison.peer.make()
    return alternate(ours, peer, rounds=rounds)


def measured_memory(side: Side, settings: Settings) -> Memory:
    """Memory of one side, in a process of its own."""
    return in_fresh_process(memory_of_side, side, threads=settings.threads)


def memory_of_side(side: Side) -> Memory:
    """Memory of one side, in this process."""
    side.load()  # imports are not what is measured
    return memory_of(side.make)


def _time_row(
    comparison: Comparison, timing: Timing, value: float, spread: tuple[float, float], target: float | None
) -> Row:
    return Row(
        name=comparison.name,
        what=comparison.what,
        unit='s',
        ours=median(timing.ours),
        peer=median(timing.peer),
        value=value,
        spread=spread,
        target=target,
        raw=dict(ours=timing.ours, peer=timing.peer),
    )
