"""Measures implementations of the same work side by side: time in turn, memory, operations, and waiting."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarking.gpu.figures import Failure, Figure, Work
from benchmarking.gpu.host_syncs import count_syncs
from benchmarking.gpu.machine import wait

Run = Callable[[], Any]
WARM_UP_RUNS = 1  # it loads kernels and makes an optimizer's state
LEAST_ROUNDS, MOST_SECONDS = 3, 4.0  # slow works have fewer rounds
GIGABYTE = 1e9


@dataclass(frozen=True)
class Contender:
    """One implementation.

    Attributes:
        implementation: Its name.
        make: Makes its inputs, and what runs it.
        model_bytes: Of its model, which was there before.
        compile_seconds: Figure to pass on.
    """

    implementation: str
    make: Callable[[], Run]
    model_bytes: int = 0
    compile_seconds: float | None = None


@dataclass
class Bench:
    """Measures works, one after another, in this process.

    Attributes:
        device: Where they run.
        rounds: Timed runs of each implementation.
        matrix_rates: FLOP/s of large matrix products by precision.
        flops: Operations of a run that are known, by implementation, network, work and batch.
    """

    device: str
    rounds: int
    matrix_rates: dict[str, float]
    flops: dict[tuple[str, ...], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self._on_gpu:
            gc.collect()
            gc.freeze()  # imported modules and models stay: looking through them again takes longer than some works

    def measure(
        self, work: Work, contenders: Sequence[Contender], *, with_flops: bool = True
    ) -> Iterator[Figure | Failure]:
        """Measure a work; an implementation that fails does not stop the others."""
        prepared: dict[str, tuple[Run, dict[str, Any]]] = {}
        for contender in contenders:
            try:
                prepared[contender.implementation] = self._prepare(work, contender, with_flops=with_flops)
            except Exception as error:  # whatever it is: out of memory, a missing operator, a bug of a peer
                yield Failure.of(f'{work}, {contender.implementation}', error)
            self._release()
        try:
            seconds = self._alternate({name: run for name, (run, _) in prepared.items()})
        except Exception as error:
            yield Failure.of(str(work), error)
            return
        finally:
            self._release()
        for name, runs in seconds.items():
            yield self._figure(work, name, runs, prepared[name][1])

    def _prepare(self, work: Work, contender: Contender, *, with_flops: bool) -> tuple[Run, dict[str, Any]]:
        """Warm up, and measure all but the time.

        What is allocated before are the models, of all contenders, and the inputs of those that were prepared: all but
        its own model is taken off the peak.
        """
        before = self._allocated()
        run = contender.make()
        for _ in range(WARM_UP_RUNS):
            run()
        wait(self.device)
        if self._on_gpu:
            torch.cuda.reset_peak_memory_stats()
        syncs = count_syncs(run, self.device)
        peak = contender.model_bytes + self._peak() - before
        key = (contender.implementation, work.network, work.what, str(work.batch))
        if with_flops and key not in self.flops:
            self.flops[key] = count_flops(run)
        return run, dict(
            gigabytes=peak / GIGABYTE if self._on_gpu else None,
            syncs_per_image=None if syncs is None else syncs / work.batch,
            compile_seconds=contender.compile_seconds,
            flops=self.flops.get(key) if with_flops else None,
        )

    def _alternate(self, runs: dict[str, Run]) -> dict[str, list[float]]:
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        for run in runs.values():
            run()  # allocates what was given back when the others were prepared
        begin = time.perf_counter()
        gc.disable()
        try:
            for done in range(self.rounds):
                if done >= LEAST_ROUNDS and time.perf_counter() - begin > MOST_SECONDS:
                    break
                for name, run in runs.items():
                    seconds[name].append(self._seconds(run))
        finally:
            gc.enable()
        return seconds

    def _seconds(self, run: Run) -> float:
        wait(self.device)
        start = time.perf_counter()
        run()
        wait(self.device)
        return time.perf_counter() - start

    def _figure(self, work: Work, implementation: str, runs: list[float], others: dict[str, Any]) -> Figure:
        flops = others.pop('flops')
        figure = Figure(work=work, implementation=implementation, runs=runs, **others)
        if flops is None:
            return figure
        return replace(figure, matrix_share=flops / figure.seconds / self.matrix_rates[work.precision])

    @property
    def _on_gpu(self) -> bool:
        return self.device.startswith('cuda')

    def _allocated(self) -> int:
        return torch.cuda.memory_allocated() if self._on_gpu else 0

    def _peak(self) -> int:
        return torch.cuda.max_memory_allocated() if self._on_gpu else 0

    def _release(self) -> None:
        """Give back what earlier works left."""
        if self._on_gpu:
            gc.collect()
            torch.cuda.empty_cache()


def count_flops(run: Run) -> int:
    """Operations of the matrix products, convolutions and attentions of a run."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()
