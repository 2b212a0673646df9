"""Benchmark mmoneformer against transformers' OneFormer and mmdet's Mask2Former on the CPU of this machine."""

import json
import sys
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

from benchmarking import start_up
from benchmarking.comparisons import COMPARISONS
from benchmarking.curves import CURVES, curves_as_json, measure_curve
from benchmarking.machine import describe_machine
from benchmarking.report import Report
from benchmarking.row import Row
from benchmarking.settings import Settings
from benchmarking.training_memory import STEPS, training_memory_rows

MEASURERS: dict[str, Callable[[Settings], list[Row]]] = {
    **{comparison.name: comparison.rows for comparison in COMPARISONS},
    start_up.NAME: start_up.start_up_rows,
}
MEMORY = {name: partial(training_memory_rows, name) for name in STEPS}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = ArgumentParser(description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument(
        '--only', nargs='*', metavar='NAME', help='comparisons to run, None for all; an unknown name lists them'
    )
    parser.add_argument('--memory', action='store_true', help='also measure training memory with each memory option')
    parser.add_argument('--curves', action='store_true', help='also plot time and memory against input sizes')
    parser.add_argument('--rounds', type=int, default=5, help='timed runs per implementation')
    parser.add_argument('--threads', type=int, default=2, help='CPU threads')
    parser.add_argument(
        '--quick',
        action='store_true',
        help='tiny inputs, to check that it works',
    )
    parser.add_argument('--out', type=Path, default=Path('work_dirs/benchmark'), help='output folder')
    options = parser.parse_args(arguments)
    known = MEASURERS | MEMORY
    unknown = set(options.only or ()) - set(known)
    if unknown:
        parser.error(f'unknown comparisons {sorted(unknown)}: choose from {list(known)}')
    chosen = {name: known[name] for name in (MEASURERS if options.only is None else options.only)}
    if options.memory:
        chosen |= MEMORY
    settings = Settings(rounds=options.rounds, threads=options.threads, quick=options.quick)
    report = Report(machine=describe_machine(settings.threads), quick=settings.quick)
    for _ in _measured(chosen, settings, report):
        report.write(options.out)  # after each comparison, because all of them may take an hour
    if options.curves:
        report.plots.append(_write_curves(options.out, settings))
        report.write(options.out)
    print(report.markdown())
    if report.failures:
        sys.exit(f'error: not measured: {report.failures}')


def _measured(
    chosen: dict[str, Callable[[Settings], list[Row]]], settings: Settings, report: Report
) -> Iterator[None]:
    """Add one comparison at a time to the report; failed ones do not stop the others."""
    for name, rows in chosen.items():
        try:
            report.rows += rows(settings)
        except (ImportError, BrokenProcessPool) as error:
            report.failures[name] = str(error)
        yield


def _write_curves(folder: Path, settings: Settings) -> str:
    """Measure and plot the curves; returns the name of the plot."""
    from benchmarking.plots import plot_curves  # nothing else needs matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    curves = [(curve, measure_curve(curve, settings)) for curve in CURVES]
    (folder / 'curves.json').write_text(json.dumps(curves_as_json(curves), indent=2) + '\n')
    plot_curves(curves, folder / 'curves.png')
    return 'curves.png'


if __name__ == '__main__':
    main()
