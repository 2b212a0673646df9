"""Draws curves of trainings."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmoneformer.training_log.run_curves import Run

SHOWN = ('loss', 'loss_cls', 'loss_mask', 'loss_dice', 'loss_contrastive', 'grad_norm', 'lr', 'PQ', 'AP', 'mIoU')
COLUMNS = 3
PANEL_SIZE = (4.6, 3.0)  # inches, width and height
SPAN_SHARE = 1 / 20  # of a curve, that its smoothed values span


def plot_runs(runs: Sequence[Run], out: Path, keys: Sequence[str] | None = None) -> list[str]:
    """Draw a panel for each curve, with all runs in it; losses also smoothed.

    Args:
        runs: From ``read_run``.
        out: Picture to write; the suffix says of which kind.
        keys: Which curves; by default those of ``SHOWN`` that there are.

    Returns:
        The keys that were drawn.

    Raises:
        ValueError: If none of the runs has a key.
    """
    known = dict.fromkeys(key for run in runs for key in run.curves)
    unknown = [key for key in keys or () if key not in known]
    if unknown or not known:
        raise ValueError(f'no run has {unknown or "a curve"}: there are {sorted(known)}')
    drawn = list(keys or [key for key in SHOWN if key in known] or known)
    rows = -(-len(drawn) // COLUMNS)
    columns = min(len(drawn), COLUMNS)
    figure = Figure(figsize=(columns * PANEL_SIZE[0], rows * PANEL_SIZE[1]), layout='constrained')
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, key in zip(panels, drawn, strict=False):
        _draw_panel(panel, key, runs)
    for panel in panels[len(drawn) :]:
        panel.axis('off')
    if len(runs) > 1:
        lines = [panels[0].plot([], [], color=f'C{index % 10}', label=run.name)[0] for index, run in enumerate(runs)]
        figure.legend(handles=lines, loc='outside upper center', ncols=COLUMNS, frameon=False)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)
    return drawn


def smooth(values: np.ndarray) -> np.ndarray:
    """Running mean of [N] values that forgets exponentially, without a bias towards 0.

    Values that are not finite are left out.
    """
    keep = 1 - 1 / max(1, len(values) * SPAN_SHARE)
    smoothed, mean, weight = np.full(len(values), np.nan), 0.0, 0.0
    for index, value in enumerate(values):
        if np.isfinite(value):
            mean = keep * mean + (1 - keep) * value
            weight = keep * weight + 1 - keep
        if weight:
            smoothed[index] = mean / weight
    return smoothed


def _draw_panel(panel: Axes, key: str, runs: Sequence[Run]) -> None:
    for index, run in enumerate(runs):
        if key not in run.curves:
            continue
        steps, values = run.curves[key]
        color = f'C{index % 10}'
        if 'loss' in key:
            panel.plot(steps, values, color=color, alpha=0.25, linewidth=1)
            values = smooth(values)
        few = len(steps) < 20  # a metric of the validations: single points must be seen
        panel.plot(steps, values, color=color, linewidth=1.6, marker='o' if few else None, markersize=4)
    panel.set_title(key, fontsize=11)
    panel.grid(alpha=0.25)
    panel.spines[['top', 'right']].set_visible(False)
