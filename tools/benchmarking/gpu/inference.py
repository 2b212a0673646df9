"""Inference with one network: forward passes in each precision, and images to results of all tasks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from benchmarking.case import Case
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

BATCHES = (1, 8)
ALL_TASKS = tuple(TASKS)


@dataclass(frozen=True, kw_only=True)
class InferenceRow:
    """What is measured.

    Attributes:
        what: In words.
        precision: As in ``Case``.
        batch: Images.
        tasks: Asked of each image.
        end_to_end: Whether from images as bytes to results, or the network alone.
        cuda_graphs: Whether our network is replayed from CUDA graphs.
        implementations: Which of them do the same.
    """

    what: str
    precision: str
    batch: int
    tasks: tuple[str, ...] = ('panoptic',)
    end_to_end: bool = False
    cuda_graphs: bool = False
    implementations: tuple[str, ...] = (OURS, TRANSFORMERS, MASK2FORMER)


ROWS = (
    *(
        InferenceRow(what='forward, one task', precision=precision, batch=batch)
        for precision in ('bfloat16', 'tf32', 'float32')
        for batch in BATCHES
    ),
    *(
        InferenceRow(
            what='forward, three tasks',
            precision='bfloat16',
            batch=batch,
            tasks=ALL_TASKS,
            implementations=(OURS, TRANSFORMERS),
        )
        for batch in BATCHES
    ),
    *(
        InferenceRow(
            what='images to results of three tasks', precision=precision, batch=batch, tasks=ALL_TASKS, end_to_end=True
        )
        for precision, batch in (('bfloat16', 1), ('bfloat16', 8), ('float32', 1))
    ),
    *(
        InferenceRow(what='forward, one task, CUDA graphs', precision=precision, batch=1, cuda_graphs=True)
        for precision in ('bfloat16', 'float32')
    ),
    InferenceRow(
        what='images to results of three tasks, CUDA graphs',
        precision='bfloat16',
        batch=1,
        tasks=ALL_TASKS,
        end_to_end=True,
        cuda_graphs=True,
    ),
)


def prepare(name: str, settings: Settings) -> Callable[[], Iterator[Message]]:
    """Build the models of a network; gives what measures them."""
    network = NETWORKS[name]
    built, failures = build_all((OURS, TRANSFORMERS, MASK2FORMER), network, settings)

    def measure() -> Iterator[Message]:
        yield from failures
        machine = describe(settings.device, quick=settings.quick)
        yield machine
        bench = Bench(settings.device, settings.rounds, machine.matrix_rates)
        for row in ROWS:
            yield from measure_row(row, network, built, bench, settings)

    return measure


def measure_row(
    row: InferenceRow, network: Network, built: dict[str, Works], bench: Bench, settings: Settings
) -> Iterator[Figure | Failure]:
    """Measure a row of the implementations that were built."""
    case = replace(network.case.under(settings), precision=row.precision, tasks=row.tasks, cuda_graphs=row.cuda_graphs)
    case = replace(case, batch=min(row.batch, 2) if settings.quick else row.batch)
    work = Work(network=network.named(settings), what=row.what, precision=row.precision, batch=case.batch)
    contenders = [
        Contender(name, make_run(built[name], case, end_to_end=row.end_to_end), model_bytes(built[name].model))
        for name in row.implementations
        if name in built
    ]
    countable = not (row.end_to_end or row.cuda_graphs)  # a replayed operator is not seen
    return bench.measure(work, contenders, with_flops=countable)


def make_run(works: Works, case: Case, *, end_to_end: bool) -> Callable[[], Callable[[], object]]:
    """What makes the run of an implementation."""
    return lambda: (works.end_to_end if end_to_end else works.forward)(case)
