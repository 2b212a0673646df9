"""Pictures of cost curves."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from benchmarking.curves import Curve, Point

TIME, MEMORY = 'tab:blue', 'tab:orange'


def plot_curves(curves: Sequence[tuple[Curve, list[Point]]], path: Path) -> None:
    """Draw a panel for each curve: time on the left axis, peak memory on the right."""
    figure = Figure(figsize=(4.5 * len(curves), 3.5), layout='constrained')
    panels = figure.subplots(1, len(curves), squeeze=False)[0]
    for left, (curve, points) in zip(panels, curves, strict=True):
        values = [point.value for point in points]
        left.plot(values, [point.seconds for point in points], 'o-', color=TIME)
        left.set_xlabel(curve.label)
        left.set_ylabel('seconds', color=TIME)
        left.set_ylim(bottom=0)
        right = left.twinx()
        right.plot(values, [point.gigabytes for point in points], 's--', color=MEMORY)
        right.set_ylabel('peak memory in GB', color=MEMORY)
        right.set_ylim(bottom=0)
    figure.savefig(path, dpi=110)
