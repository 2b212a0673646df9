"""Curves of a training, from the logs that mmengine writes."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

SCALARS = '*/vis_data/scalars.json'  # of a work folder: one for each start
NO_CURVES = {'step', 'iter', 'epoch'}

Entry = dict[str, Any]


class Curve(NamedTuple):
    """Values over iterations; both [N]."""

    steps: np.ndarray
    values: np.ndarray


class Run(NamedTuple):
    """A training: its name, and a curve for each thing that was logged."""

    name: str
    curves: dict[str, Curve]


def read_run(path: Path) -> Run:
    """Read the curves of a training; one that was resumed is one.

    Args:
        path: A json log of mmengine, or a work folder with logs of several starts. Where a later one repeats
            iterations, its values count.

    Raises:
        FileNotFoundError: If there is no log.
        ValueError: If a log holds something else.
    """
    logs = sorted(path.glob(SCALARS)) if path.is_dir() else [path]
    if not logs:
        raise FileNotFoundError(f'{path} has no {SCALARS}: give the work folder of a training, or a json log')
    entries: list[Entry] = []
    for log in logs:  # their folders are named after the time of the start
        started = list(_entries(log))
        first = min((entry['step'] for entry in started), default=np.inf)
        entries = [entry for entry in entries if entry['step'] < first] + started
    return Run(path.name if path.is_dir() else path.stem, _curves(entries))


def _entries(log: Path) -> Iterable[Entry]:
    *lines, last = log.read_text().split('\n')  # the last is empty, or cut off where a run was killed
    done = 0
    for line in filter(None, [*lines, last] if _is_entry(last) else lines):
        if not _is_entry(line):
            raise ValueError(f'{log} is no json log of mmengine: a line has no step: {line[:80]!r}')
        entry = json.loads(line)
        done = max(done, entry['step'])  # by default mmengine gives validations the number of the epoch
        yield entry | {'step': done}


def _is_entry(line: str) -> bool:
    try:
        return 'step' in json.loads(line)
    except (ValueError, TypeError):
        return False


def _curves(entries: Iterable[Entry]) -> dict[str, Curve]:
    points: dict[str, list[tuple[int, float]]] = {}
    for entry in entries:
        for key, value in entry.items():
            if key not in NO_CURVES and isinstance(value, int | float):
                points.setdefault(key, []).append((entry['step'], value))
    return {key: Curve(*np.array(found, np.float64).T) for key, found in points.items()}
