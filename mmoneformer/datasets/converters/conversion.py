"""What the converters share: the splits of a data set, the command line, and the processes that convert its images."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Job = TypeVar('Job')
Result = TypeVar('Result')


class Split(NamedTuple):
    """A split of a data set.

    Attributes:
        name: Our name, ``train`` or ``val``.
        folder: Name of its folder in the download.
        images: Number of images of the complete split.
    """

    name: str
    folder: str
    images: int


def run(
    convert: Callable[[Path, Split, int, bool], int],
    splits: Sequence[Split],
    *,
    description: str,
    arguments: Sequence[str] | None = None,
) -> None:
    """Convert the splits given on the command line, and print the number of images of each.

    Args:
        convert: ``convert`` of a converter.
        splits: ``SPLITS`` of the converter.
        description: Help text of the command.
        arguments: Arguments to use instead of those of the process.
    """
    by_name = {split.name: split for split in splits}
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path, help='folder of the unpacked download')
    parser.add_argument('--splits', nargs='+', choices=list(by_name), default=list(by_name), help='default: all')
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='processes (default: one per core)')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace files at the target that other programs wrote'
    )
    options = parser.parse_args(arguments)
    for name in options.splits:
        try:
            count = convert(options.root, by_name[name], options.workers, options.overwrite)
        except (OSError, ValueError) as error:
            sys.exit(f'{name}: {error}')
        expected = by_name[name].images
        remark = '' if count == expected else f'; the complete split has {expected}'
        print(f'{name}: {count} images{remark}')


def parallel_map(
    function: Callable[[Job], Result], jobs: Sequence[Job], *, description: str, workers: int
) -> list[Result]:
    """Apply a function to each job in several processes, with a progress bar on stderr.

    Args:
        function: Must be picklable, such as a function of a module or a partial of one. An exception ends the run.
        jobs: Arguments of the calls.
        description: Text of the progress bar.
        workers: Number of processes; 1 uses the current process.

    Returns:
        Results in the order of the jobs.
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
