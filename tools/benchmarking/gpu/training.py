"""Training steps with one network: loss, gradients and update."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from benchmarking.gpu.figures import OURS, Failure, Figure, Message, Work
from benchmarking.gpu.implementations import (
    MASK2FORMER,
    NETWORKS,
    TRANSFORMERS,
    Network,
    Works,
    build_all,
    model_bytes,
)
from benchmarking.gpu.machine import describe
from benchmarking.gpu.side_by_side import Bench, Contender
from benchmarking.settings import Settings
from mmoneformer.tasks import TASKS

IMPLEMENTATIONS = {'swin-l': (OURS, TRANSFORMERS), 'r50': (OURS, TRANSFORMERS, MASK2FORMER)}
ROWS = (('bfloat16', 2), ('tf32', 2), ('float32', 2), ('bfloat16', 8))  # precision and batch
MASKS = 15  # of an image


def prepare(name: str, settings: Settings) -> Callable[[], Iterator[Message]]:
    """Build the models of a network; gives what measures them."""
    network = NETWORKS[name]
    built, failures = build_all(IMPLEMENTATIONS[name], network, settings, is_training=True)

    def measure() -> Iterator[Message]:
        yield from failures
        machine = describe(settings.device, quick=settings.quick)
        yield machine
        bench = Bench(settings.device, settings.rounds, machine.matrix_rates)
        for precision, batch in ROWS:
            yield from measure_row(precision, batch, network, built, bench, settings)

    return measure


def measure_row(
    precision: str, batch: int, network: Network, built: dict[str, Works], bench: Bench, settings: Settings
) -> Iterator[Figure | Failure]:
    """Measure steps of the implementations that were built."""
    case = replace(network.case, precision=precision, batch=batch, masks=MASKS, tasks=tuple(TASKS)).under(settings)
    work = Work(network=network.named(settings), what='training step', precision=precision, batch=case.batch)
    contenders = [
        Contender(name, partial(works.training_step, case), model_bytes(works.model)) for name, works in built.items()
    ]
    yield from bench.measure(work, contenders)
    for works in built.values():
        works.model.zero_grad(set_to_none=True)  # the next row counts its own
