"""A forward pass through ``torch.compile``, in bfloat16 with one image; one implementation in a process."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from benchmarking.gpu.figures import Message, Work
from benchmarking.gpu.implementations import NETWORKS, build, model_bytes
from benchmarking.gpu.machine import describe, wait
from benchmarking.gpu.side_by_side import Bench, Contender, count_flops
from benchmarking.settings import Settings

PRECISION = 'bfloat16'
WHAT = 'forward, one task, compiled'


def prepare(name: str, implementation: str, settings: Settings) -> Callable[[], Iterator[Message]]:
    """Build and compile; gives what measures the compiled network.

    Several processes prepare at the same time, on all cores, and measure one after another.
    """
    network = NETWORKS[name]
    case = replace(network.case, precision=PRECISION).under(settings)
    works = build(implementation, network, settings)
    flops = count_flops(works.forward(case))  # before: counting would stop the compiler
    start = time.perf_counter()
    run = works.forward(replace(case, compiled=True))
    run()
    wait(settings.device)
    seconds = time.perf_counter() - start
    work = Work(network=network.named(settings), what=WHAT, precision=PRECISION, batch=case.batch)
    contender = Contender(implementation, lambda: run, model_bytes(works.model), seconds)

    def measure() -> Iterator[Message]:
        machine = describe(settings.device, quick=settings.quick)
        yield machine
        key = (implementation, work.network, work.what, str(work.batch))
        bench = Bench(settings.device, settings.rounds, machine.matrix_rates, {key: flops})
        yield from bench.measure(work, [contender])

    return measure
