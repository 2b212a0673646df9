"""Benchmark mmoneformer against transformers' OneFormer and mmdet's Mask2Former on a GPU, in a few minutes."""

import time
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from benchmarking.gpu.figures import Failure, Figure, Message
from benchmarking.gpu.parts import STAGES
from benchmarking.gpu.processes import run_stage
from benchmarking.gpu.report import NAME, GpuReport
from benchmarking.settings import Settings


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = ArgumentParser(description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument('--only', nargs='*', choices=list(STAGES), metavar='NAME', help=f'some of {", ".join(STAGES)}')
    parser.add_argument('--rounds', type=int, default=8, help='timed runs per implementation, fewer of slow works')
    parser.add_argument('--minutes', type=float, default=8, help='what is not measured by then is left out')
    parser.add_argument('--quick', action='store_true', help='tiny inputs, to check that it works')
    parser.add_argument('--device', choices=('cuda', 'cpu'), default='cuda', help='device')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/benchmark-gpu'), help='output folder')
    options = parser.parse_args(arguments)
    if options.device == 'cuda' and not torch.cuda.is_available():
        parser.error('torch finds no GPU; `--device cpu --quick` checks without one that the benchmark works')
    settings = Settings(rounds=options.rounds, device=options.device, quick=options.quick)
    report, deadline = GpuReport(quick=settings.quick), time.monotonic() + 60 * options.minutes
    for name in options.only or STAGES:
        start = time.monotonic()
        for message in run_stage(STAGES[name], settings, deadline):
            report.add(message)
            report.write(options.out)  # at once: a run that is stopped leaves what it has
            _tell(message)
        report.stage_seconds[name] = time.monotonic() - start
        report.write(options.out)
    if report.figures and find_spec('matplotlib'):
        from benchmarking.gpu.plot import plot_ratios

        plot_ratios(list(report.ratios()), options.out / f'{NAME}.png')
        report.plots.append(f'{NAME}.png')
    report.write(options.out)
    print(f'{len(report.figures)} figures, {len(report.failures)} failures: {options.out / f"{NAME}.md"}')


def _tell(message: Message) -> None:
    if isinstance(message, Figure):
        print(f'{message.work}, {message.implementation}: {1000 * message.seconds:.2f} ms', flush=True)
    elif isinstance(message, Failure):
        print(f'not measured: {message.what}: {message.reason}', flush=True)


if __name__ == '__main__':
    main()
