"""The report of a benchmark on a GPU, as Markdown and JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarking.gpu.figures import OURS, Failure, Figure, Machine, Message, Work

NAME = 'benchmark-gpu'
HEADER = (
    '| network | work | precision | batch | implementation | ms | ours / this | range | peak memory | '
    'matrix peak | waits per image | compiled in |\n' + '|---' * 12 + '|'
)
QUICK = '**Quick run with tiny inputs, not those named in the table: the figures are meaningless.**\n'
NOTES = """\
Implementations of a row run alternately in one process on the same inputs, those that are compiled in a process each.
`ms` are medians of synchronized runs, `ours / this` is the ratio of medians, and `range` the smallest and largest
ratio of consecutive runs. Peak memory is that of torch's tensors: model, inputs and run, without the other models in
the process. `matrix peak` is the share of the FLOP/s that a product of two large matrices reaches in the same process
and precision; products, convolutions and attention are counted. `waits per image` are the operations that wait for the
GPU, as torch's synchronization debug mode counts them. Networks that are compiled were compiled at the same time, on
all cores.

Weights are random, those of transformers the same as ours. Mask2Former has no tasks: one pass serves all, and there
are no semantic results. Its Swin-L has 200 queries and its R50 100, ours and transformers' 250 and 150; where mmcv has
no compiled operators, its deformable attention is mmcv's plain form. In the rows with results, the networks' logits
are replaced by drawn ones with 40 sure segments. Those of transformers get our normalization, and its post-processing
has its defaults except for our thresholds; it resizes semantic scores, ours resizes masks.
"""


@dataclass
class GpuReport:
    """What was measured so far.

    Attributes:
        quick: Whether the inputs were tiny.
        machine: Of the last part that told.
        figures: In the order of measuring.
        failures: What could not be measured.
        stage_seconds: How long each stage took.
        plots: File names of plots in the folder of the report.
    """

    quick: bool
    machine: Machine | None = None
    figures: list[Figure] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    stage_seconds: dict[str, float] = field(default_factory=dict)
    plots: list[str] = field(default_factory=list)

    def add(self, message: Message) -> None:
        """Take what a process told."""
        if isinstance(message, Figure):
            self.figures.append(message)
        elif isinstance(message, Failure):
            self.failures.append(message)
        else:
            self.machine = message

    def write(self, folder: Path) -> None:
        """Write ``benchmark-gpu.json`` and ``benchmark-gpu.md``; creates the folder if necessary."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f'{NAME}.json').write_text(json.dumps(self.as_json(), indent=2) + '\n')
        (folder / f'{NAME}.md').write_text(self.markdown())

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return dict(
            quick=self.quick,
            machine=asdict(self.machine) if self.machine else None,
            stage_seconds=self.stage_seconds,
            figures=[figure.as_json() for figure in self.figures],
            ratios=[
                dict(work=asdict(figure.work), implementation=figure.implementation, ratio=value)
                for figure, value in self.ratios()
            ],
            failures=[asdict(failure) for failure in self.failures],
            plots=self.plots,
        )

    def markdown(self) -> str:
        """The report as text."""
        table = [HEADER, *map(self._line, self.figures), '']
        failures = [f'Not measured: {failure.what} ({failure.reason})\n' for failure in self.failures]
        plots = [f'![{name}]({name})\n' for name in self.plots]
        quick = [QUICK] if self.quick else []
        return '\n'.join(['# Benchmark on a GPU', '', *quick, *self._machine(), '', *table, *failures, *plots, NOTES])

    def ratios(self) -> Iterator[tuple[Figure, float]]:
        """Figures of the peers, and the ratio of our time to theirs."""
        for figure in self.figures:
            ours = self._ours(figure.work)
            if figure.implementation != OURS and ours:
                yield figure, ours.seconds / figure.seconds

    def _ours(self, work: Work) -> Figure | None:
        found = [figure for figure in self.figures if figure.work == work and figure.implementation == OURS]
        return found[-1] if found else None

    def _machine(self) -> list[str]:
        if self.machine is None:
            return []
        facts = self.machine.facts
        rates = ', '.join(f'{name} {rate / 1e12:.4g}' for name, rate in self.machine.matrix_rates.items())
        memory = f', {facts["gigabytes"]:.0f} GB' if facts['gigabytes'] else ''
        return [
            f'{facts["gpu"] or "No GPU"}{memory}, CUDA {facts["cuda"]}; {facts["processor"]}, {facts["cores"]} cores. '
            f'Matrix products, TFLOP/s: {rates}.',
            f'Versions: Python {facts["python"]}, '
            + ', '.join(f'{name} {version}' for name, version in facts['versions'].items())
            + '.',
            'Seconds: ' + ', '.join(f'{name} {seconds:.0f}' for name, seconds in self.stage_seconds.items()) + '.',
        ]

    def _line(self, figure: Figure) -> str:
        work, ours = figure.work, self._ours(figure.work)
        is_peer = figure.implementation != OURS and ours is not None
        cells = [
            work.network,
            work.what,
            work.precision,
            str(work.batch),
            figure.implementation,
            f'{1000 * figure.seconds:.2f}',
            f'{ours.seconds / figure.seconds:.3f}' if is_peer and ours else '',
            _range(ours, figure) if is_peer and ours else '',
            _cell('{:.2f} GB', figure.gigabytes),
            _cell('{:.1%}', figure.matrix_share),
            _cell('{:g}', figure.syncs_per_image),
            _cell('{:.0f} s', figure.compile_seconds),
        ]
        return f'| {" | ".join(cells)} |'


def _range(ours: Figure, peer: Figure) -> str:
    """Least and greatest ratio of consecutive runs; empty where runs did not alternate."""
    if ours.compile_seconds is not None or len(ours.runs) != len(peer.runs):
        return ''
    ratios = [our / their for our, their in zip(ours.runs, peer.runs, strict=True)]
    return f'{min(ratios):.3f} to {max(ratios):.3f}'


def _cell(form: str, value: float | None) -> str:
    return '' if value is None else form.format(value)
