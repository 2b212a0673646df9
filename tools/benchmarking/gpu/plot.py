"""A picture of the ratios of a benchmark on a GPU."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure as Picture

from benchmarking.gpu.figures import Figure

COLORS = ('tab:blue', 'tab:orange', 'tab:green', 'tab:gray')
BAR, GAP, WIDTH = 0.22, 0.9, 9.0  # inches


def plot_ratios(ratios: Sequence[tuple[Figure, float]], path: Path) -> None:
    """Draw a bar for each ratio of our time to a peer's; bars shorter than 1 are works that ours does faster."""
    picture = Picture(figsize=(WIDTH, GAP + BAR * max(len(ratios), 1)), layout='constrained')
    axes = picture.subplots()
    peers = list(dict.fromkeys(figure.implementation for figure, _ in ratios))
    for peer, color in zip(peers, COLORS, strict=False):
        rows = [row for row, (figure, _) in enumerate(ratios) if figure.implementation == peer]
        bars = axes.barh(rows, [ratios[row][1] for row in rows], color=color, label=f'ours / {peer}')
        axes.bar_label(bars, fmt='%.2f', padding=2, fontsize=7)
    axes.set_yticks(range(len(ratios)), [str(figure.work) for figure, _ in ratios], fontsize=7)
    axes.invert_yaxis()
    axes.axvline(1, color='black', linewidth=0.8)
    axes.set_xlabel('our time over theirs')
    axes.legend(fontsize=8)
    picture.savefig(path, dpi=110)
