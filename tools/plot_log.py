"""Plot what trainings have logged: losses (smoothed), learning rate and metrics, with several runs in one figure."""

import json
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmoneformer_cli.running import print_any_text

SCALARS = '*/vis_data/scalars.json'  # in a work folder, one for each start of the training
NO_CURVES = {'step', 'iter', 'epoch'}
DEFAULT_KEYS = (
    'loss',
    'loss_cls',
    'loss_mask',
    'loss_dice',
    'loss_contrastive',
    'grad_norm',
    'lr',
    'PQ',
    'AP',
    'mIoU',
)
COLUMNS = 3
PANEL_SIZE = (4.6, 3.0)  # inches, width and height
SMOOTHING_SPAN = 1 / 20  # length of the running mean, as a fraction of the curve

Entry = dict[str, Any]


class Curve(NamedTuple):
    """Values over iterations; both [N]."""

    steps: np.ndarray
    values: np.ndarray


class Run(NamedTuple):
    """A training: its name, and a curve for each quantity that was logged."""

    name: str
    curves: dict[str, Curve]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    print_any_text()
    parser = ArgumentParser(description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument('runs', nargs='+', type=Path, metavar='RUN', help='work folder of a training, or a JSON log')
    parser.add_argument('--out', type=Path, default=Path('curves.png'), help='image file to write')
    parser.add_argument('--keys', nargs='+', metavar='KEY', help=f'what to plot; None: {", ".join(DEFAULT_KEYS)}')
    options = parser.parse_args(arguments)
    try:
        plotted = plot_runs([read_run(path) for path in options.runs], options.out, options.keys)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print(f'{", ".join(plotted)}: {options.out}')


def read_run(path: Path) -> Run:
    """Read the curves of a training, whether it was resumed or not.

    Args:
        path: A JSON log of mmengine, or a work folder with the logs of one or several starts. Where a later start
            repeats iterations of an earlier one, its values replace them.

    Raises:
        FileNotFoundError: If there is no log.
        ValueError: If a file is not a log of mmengine.
    """
    logs = sorted(path.glob(SCALARS)) if path.is_dir() else [path]
    if not logs:
        raise FileNotFoundError(f'{path} has no {SCALARS}: give the work folder of a training, or a JSON log')
    entries: list[Entry] = []
    for log in logs:  # sorted by time, as their folders are named after the time of the start
        started = list(_entries(log))
        first = min((entry['step'] for entry in started), default=np.inf)
        entries = [entry for entry in entries if entry['step'] < first] + started
    return Run(path.name if path.is_dir() else path.stem, _curves(entries))


def _entries(log: Path) -> Iterable[Entry]:
    *lines, last = log.read_text().split('\n')  # the last is empty, or incomplete if the run was killed
    done = 0
    for line in filter(None, [*lines, last] if _is_entry(last) else lines):
        if not _is_entry(line):
            raise ValueError(f'{log} is not a JSON log of mmengine, a line has no step: {line[:80]!r}')
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


def plot_runs(runs: Sequence[Run], out: Path, keys: Sequence[str] | None = None) -> list[str]:
    """Plot each quantity in a panel, with all runs in it; losses are also smoothed.

    Args:
        runs: From ``read_run``.
        out: Image file to write; its suffix is the format.
        keys: Quantities to plot; default: those of ``DEFAULT_KEYS`` that were logged.

    Returns:
        The keys that were plotted.

    Raises:
        ValueError: If no run has one of the keys, or any curve.
    """
    known = dict.fromkeys(key for run in runs for key in run.curves)
    unknown = [key for key in keys or () if key not in known]
    if unknown or not known:
        raise ValueError(f'no run has {unknown or "a curve"}: choose from {sorted(known)}')
    plotted = list(keys or [key for key in DEFAULT_KEYS if key in known] or known)
    rows = -(-len(plotted) // COLUMNS)
    columns = min(len(plotted), COLUMNS)
    figure = Figure(figsize=(columns * PANEL_SIZE[0], rows * PANEL_SIZE[1]), layout='constrained')
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, key in zip(panels, plotted, strict=False):
        _plot_panel(panel, key, runs)
    for panel in panels[len(plotted) :]:
        panel.axis('off')
    if len(runs) > 1:
        lines = [panels[0].plot([], [], color=f'C{index % 10}', label=run.name)[0] for index, run in enumerate(runs)]
        figure.legend(handles=lines, loc='outside upper center', ncols=COLUMNS, frameon=False)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)
    return plotted


def smooth(values: np.ndarray) -> np.ndarray:
    """Return the exponential moving average of [N] values, corrected for its bias towards 0.

    Values that are not finite are ignored.
    """
    keep = 1 - 1 / max(1, len(values) * SMOOTHING_SPAN)
    smoothed, mean, weight = np.full(len(values), np.nan), 0.0, 0.0
    for index, value in enumerate(values):
        if np.isfinite(value):
            mean = keep * mean + (1 - keep) * value
            weight = keep * weight + 1 - keep
        if weight:
            smoothed[index] = mean / weight
    return smoothed


def _plot_panel(panel: Axes, key: str, runs: Sequence[Run]) -> None:
    for index, run in enumerate(runs):
        if key not in run.curves:
            continue
        steps, values = run.curves[key]
        color = f'C{index % 10}'
        if 'loss' in key:
            panel.plot(steps, values, color=color, alpha=0.25, linewidth=1)
            values = smooth(values)
        few = len(steps) < 20  # of validations: their points must be visible
        panel.plot(steps, values, color=color, linewidth=1.6, marker='o' if few else None, markersize=4)
    panel.set_title(key, fontsize=11)
    panel.grid(alpha=0.25)
    panel.spines[['top', 'right']].set_visible(False)


if __name__ == '__main__':
    main()
