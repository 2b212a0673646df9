"""Measure tracking on drawn films: VPQ and id switches against matching by mask IoU alone, and the time it takes."""

from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import torch
from benchmarking.tracking import frame_times, measure_films, read_films
from rich.console import Console
from rich.table import Table

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.datasets.shapes.film_folder import write_films
from mmoneformer_cli.running import print_any_text
from mmoneformer_deploy.atomic_files import write_json


def table_of(found: dict[str, dict[str, float]]) -> Table:
    """The figures, with a column for each way; ms is that of a frame."""
    table = Table('matched by', *found)
    for name in next(iter(found.values())):
        table.add_row(name, *(f'{figures[name]:.1f}' for figures in found.values()))
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    print_any_text()
    parser = ArgumentParser(description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument('weights', metavar='CKPT', help='model of configs/oneformer_tiny_shapes.py, trained')
    parser.add_argument('--films', type=int, default=12, help='number of films')
    parser.add_argument('--size', type=int, default=128, help='shorter side of the frames in pixels')
    parser.add_argument('--seed', type=int, default=5, help='random seed of the films')
    parser.add_argument('--rounds', type=int, default=5, help='runs of which the median time is taken')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/tracking'), help='output folder')
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    inferencer = OneFormerInferencer(weights=options.weights, device='cpu', show_progress=False)
    folder = options.out / f'films_{options.films}_{options.size}_{options.seed}'
    write_films(folder, num_films=options.films, size=options.size, seed=options.seed)
    films = read_films(folder, inferencer.metainfo['classes'])
    found = measure_films(inferencer, films)
    write_json(options.out / 'tracking.json', {'ways': found}, indent=2)  # what follows takes its time
    Console().print(table_of(found))
    tracked, plain = frame_times(inferencer, films[0].images[:10], options.rounds)
    share = median(tracked) / median(plain) - 1
    write_json(options.out / 'tracking.json', {'ways': found, 'tracked': tracked, 'plain': plain}, indent=2)
    print(f'a frame takes {1e3 * median(plain):.0f} ms, with tracking {share:+.1%} (CPU time)')


if __name__ == '__main__':
    main()
