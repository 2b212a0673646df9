"""A function over many files: all cores, one progress bar."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Job = TypeVar('Job')
Result = TypeVar('Result')


def parallel_map(
    function: Callable[[Job], Result], jobs: Sequence[Job], *, description: str, workers: int
) -> list[Result]:
    """Results in the order of the jobs; the bar goes to stderr.

    Args:
        function: Must be importable (a module's function, or a partial of one); what it raises ends the whole run.
        jobs: Its arguments, one each.
        description: Text beside the bar.
        workers: Number of processes; 1 works in this one.
    """
    if workers == 1:
        return _with_progress(map(function, jobs), description, len(jobs))
    with ProcessPoolExecutor(workers) as pool:
        chunk = max(1, min(64, len(jobs) // (4 * workers)))
        return _with_progress(pool.map(function, jobs, chunksize=chunk), description, len(jobs))


def _with_progress(results: Iterable[Result], description: str, total: int) -> list[Result]:
    columns = (TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        return list(progress.track(results, total=total, description=description))
