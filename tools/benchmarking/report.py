"""The report of a benchmark, as Markdown and JSON."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarking.row import Row

HEADER = '| measurement | mmoneformer | reference | ratio | range | target | met |\n|---|---|---|---|---|---|---|'
FORMATS = {'': '{:.2%}', 's': '{:.3f} s', 'GB': '{:.2f} GB'}
QUICK = '**Quick run with tiny inputs, not those named in the table: the figures are meaningless.**\n'
NOTES = """\
Both implementations run alternately in one process on the same inputs. Times are medians, `ratio` is the ratio of the
medians, and `range` the smallest and largest ratio of two consecutive runs. Peak memory is measured in a separate
process for each implementation and excludes imported code; extra memory excludes the model and its inputs, too.

Both implementations have the same random weights, converted from mmoneformer. Panoptic maps of random weights are
decided by rounding errors, so agreement is measured after fitting the head to one image. transformers receives images
whose sides are multiples of 32. Its post-processing has the settings of an evaluation, and uses torch's resize if
torchvision is missing; it computes semantic maps at a quarter of the size, the authors and mmoneformer at full size.
If panopticapi is missing, mmdet's pipeline uses a replacement of `panopticapi.utils.rgb2id`; it leaves padding to the
model.
"""


@dataclass
class Report:
    """The measurements so far.

    Attributes:
        machine: As returned by ``describe_machine``.
        quick: Whether the inputs were tiny.
        rows: The measurements.
        failures: Reasons of failed comparisons, by name.
        plots: File names of plots in the folder of the report.
    """

    machine: dict[str, Any]
    quick: bool
    rows: list[Row] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    plots: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write ``benchmark.json`` and ``benchmark.md``; creates the folder if necessary."""
        folder.mkdir(parents=True, exist_ok=True)
        content = asdict(self) | {'rows': [asdict(row) | {'met': row.met} for row in self.rows]}
        (folder / 'benchmark.json').write_text(json.dumps(content, indent=2) + '\n')
        (folder / 'benchmark.md').write_text(self.markdown())

    def markdown(self) -> str:
        """The report as text."""
        failures = [f'Not measured: {name} ({reason})\n' for name, reason in self.failures.items()]
        table = [HEADER, *map(_table_line, self.rows), '']
        quick = [QUICK] if self.quick else []
        plots = [f'![{name}]({name})\n' for name in self.plots]
        return '\n'.join(['# Benchmark', '', *quick, *self._machine_lines(), '', *table, *failures, *plots, NOTES])

    def _machine_lines(self) -> list[str]:
        machine = self.machine
        gflops = ', '.join(f'{name} {value}' for name, value in machine['matrix_gflops'].items())
        return [
            f'{machine["processor"]}, {machine["cores"]} cores, {machine["threads"]} threads, '
            f'load at the start {machine["load"]:.1f}; matrix products, GFLOP/s: {gflops}.',
            'Versions: ' + ', '.join(f'{name} {version}' for name, version in machine['versions'].items()) + '.',
        ]


def _table_line(row: Row) -> str:
    figure = FORMATS[row.unit]
    cells = [
        row.what,
        figure.format(row.ours),
        '' if row.peer is None else figure.format(row.peer),
        f'{row.value:.3f}',
        '' if row.spread is None else '{:.3f} to {:.3f}'.format(*row.spread),
        '' if row.target is None else f'{">=" if row.at_least else "<="} {row.target:g}',
        {None: '', True: 'yes', False: 'no'}[row.met],
    ]
    return f'| {" | ".join(cells)} |'
