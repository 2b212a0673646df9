"""Time and memory of the model against image size and the number of queries, masks and tasks."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median

from benchmarking.case import Case
from benchmarking.comparison import Side
from benchmarking.comparisons import SWIN_T, SWIN_T_TRAINING
from benchmarking.fresh_process import in_fresh_process
from benchmarking.measures import GIGABYTE, measured_memory
from benchmarking.measuring import WARM_UP_RUNS, seconds_of
from benchmarking.settings import Settings
from mmoneformer.tasks import TASKS

QUICK_VALUES = 2


@dataclass(frozen=True)
class Curve:
    """Measurements with one varying quantity.

    Attributes:
        label: Axis label.
        maker: Creates the function to measure, see ``Side``.
        case: The case to vary.
        vary: Returns the case with another value.
        values: Values, ascending.
    """

    label: str
    maker: str
    case: Case
    vary: Callable[[Case, int], Case]
    values: Sequence[int]


@dataclass(frozen=True)
class Point:
    """Median time in seconds and peak memory in GB at a value."""

    value: int
    seconds: float
    gigabytes: float


CURVES = (
    Curve(
        'image side in pixels',
        'our_model:forward',
        SWIN_T,
        lambda case, side: replace(case, size=(side, side)),
        (256, 384, 512, 768, 1024),
    ),
    Curve(
        'queries',
        'our_model:forward',
        SWIN_T,
        lambda case, count: replace(case, options={**case.options, 'model.panoptic_head.num_queries': count}),
        (50, 100, 150, 250, 400),
    ),
    Curve(
        'tasks per image',
        'our_model:forward',
        SWIN_T,
        lambda case, count: replace(case, tasks=tuple(TASKS)[:count]),
        (1, 2, 3),
    ),
    Curve(
        'masks per image (training, batch 2)',
        'our_model:training_step',
        SWIN_T_TRAINING,
        lambda case, count: replace(case, masks=count),
        (1, 5, 15, 40, 80),
    ),
)


def measure_curve(curve: Curve, settings: Settings) -> list[Point]:
    """Measure each value in separate processes."""
    case = curve.case.under(settings)
    values = curve.values[:QUICK_VALUES] if settings.quick else curve.values
    return [_measure(value, Side(curve.maker, curve.vary(case, value)), settings) for value in values]


def curves_as_json(curves: Sequence[tuple[Curve, list[Point]]]) -> dict[str, list[dict[str, float]]]:
    """Label to points."""
    return {curve.label: [asdict(point) for point in points] for curve, points in curves}


def _measure(value: int, side: Side, settings: Settings) -> Point:
    seconds = in_fresh_process(seconds_of_side, side, settings.rounds, threads=settings.threads)
    return Point(value, seconds, measured_memory(side, settings).peak / GIGABYTE)


def seconds_of_side(side: Side, rounds: int) -> float:
    """Median run time, in this process."""
    work = side.make()
    for _ in range(WARM_UP_RUNS):
        work()
    return median(seconds_of(work) for _ in range(rounds))
