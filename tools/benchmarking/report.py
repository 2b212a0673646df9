"""The report of a benchmark: markdown to read, json to compute with."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarking.row import Row

HEADER = '| what | ours | peer | ratio | range | target | met |\n|---|---|---|---|---|---|---|'
FORMATS = {'': '{:.2%}', 's': '{:.3f} s', 'GB': '{:.2f} GB'}
QUICK = '**A quick run: the work was tiny, whatever the table says, and the figures say nothing.**\n'
NOTES = """\
Both sides run in one process, in turn, on the same inputs: `ours` and `peer` are medians, `ratio` is that of the
medians, `range` the least and greatest ratio of two runs in a row. Peak memory is that of a process of its own for
each side, over what imported code takes; extra memory is what the work takes on top of model and inputs.

Both sides have the same random weights, ours, converted. Panoptic maps of random weights say nothing (a rounding
error flips them), so agreement is measured after fitting the head to one image. transformers gets images whose sides
are multiples of 32. Its post-processing has the settings of an evaluation, and torch's own resize where torchvision is
missing; its semantic maps are computed at a quarter of the size, the authors' and ours at the full one. mmdet's
pipeline gets `panopticapi.utils.rgb2id` from here where panopticapi is missing; it leaves padding to the model.
"""


@dataclass
class Report:
    """What was measured so far.

    Attributes:
        machine: From ``describe_machine``.
        quick: Whether the work was tiny.
        rows: The figures.
        failures: Why some comparisons could not be measured.
        plots: Names of pictures that lie beside the report.
    """

    machine: dict[str, Any]
    quick: bool
    rows: list[Row] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    plots: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write ``benchmark.json`` and ``benchmark.md``; the folder is made, if it is not there."""
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
            f'{machine["gpu"] or machine["processor"]}, {machine["cores"]} cores, {machine["threads"]} threads, '
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
