"""Measure large pictures that are predicted in tiles: peak memory and time of everything that is written of one, the
time of merging, and the quality for each IoU from which things of two tiles are one."""

from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from benchmarking.fresh_process import in_fresh_process
from benchmarking.machine import processor_name
from benchmarking.mosaics import Mosaic
from benchmarking.tile_matching import quality_by_iou
from benchmarking.tiles import Tiles, cost_of, time_of_tiles
from PIL import Image

GIGABYTE = 1e9
MATCHING = [(448, 576)] * 10  # heights and widths of the pictures on which the IoU is measured
SCENES = (128, 224)  # sides of the scenes in them: the larger, the more things several tiles see


def print_costs(tiles: Tiles, sides: Sequence[int], suffix: str) -> None:
    """Print the table of what it takes to predict square pictures, and to write everything."""
    print('| picture | tiles | memory of the model | beyond | CPU time |\n|---|---|---|---|---|')
    for side in sides:
        with TemporaryDirectory() as folder:
            image = Path(folder, f'picture{suffix}')
            Image.fromarray(Mosaic((side, side), tiles.tile // 2, seed=0).draw()).save(image, compress_level=1)
            cost = in_fresh_process(cost_of, tiles, image, Path(folder, 'results'), threads=1)
        gigabytes = [f'{amount / GIGABYTE:.2f} GB' for amount in (cost.model, cost.extra)]
        number = len(tiles.cut((side, side)))
        print(f'| {side} x {side} | {number} | {" | ".join(gigabytes)} | {cost.seconds:.0f} s |', flush=True)


def print_time(tiles: Tiles, side: int, rounds: int) -> None:
    """Print what merging adds to the time of the tiles."""
    number, timing = time_of_tiles(tiles, side, rounds)
    low, high = timing.spread
    print(
        f'\n{side} x {side} pixels in {number} tiles: {timing.ratio:.2f} ({low:.2f} to {high:.2f}) of the CPU time of '
        'the tiles alone, for all tasks'
    )


def print_matching(tiles: Tiles) -> None:
    """Print the quality for each IoU from which things are one."""
    print('\n| scenes | IoU | PQ | PQ of things | things | annotated |\n|---|---|---|---|---|---|')
    for side in SCENES:
        for iou, row in quality_by_iou(tiles, MATCHING, side).items():
            print(f'| {side} | {iou} | {row.all:.1f} | {row.things:.1f} | {row.found} | {row.annotated} |')


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = ArgumentParser(description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument(
        'weights', type=Path, metavar='CKPT', help='model of configs/oneformer_tiny_shapes.py, trained'
    )
    parser.add_argument('--sides', type=int, nargs='*', default=[2000, 4000], help='of square pictures, in pixels')
    parser.add_argument('--suffix', default='.png', help='of their files; windows of .tif are read')
    parser.add_argument('--tile', type=int, default=1024, help='side of a tile in pixels')
    parser.add_argument('--overlap', type=int, default=128, help='pixels that neighbors share')
    parser.add_argument('--rounds', type=int, default=5, help='runs of which the median time is taken; 0 for none')
    parser.add_argument('--matching', action='store_true', help='measure the IoU, in tiles of 128 that share 32')
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    tiles = Tiles(options.weights, options.tile, options.overlap)
    print(f'{processor_name()}, tiles of {tiles.tile} that share {tiles.overlap}\n')
    print_costs(tiles, options.sides, options.suffix)
    if options.rounds:
        print_time(tiles, 2 * options.tile, options.rounds)
    if options.matching:
        print_matching(tiles._replace(tile=128, overlap=32))


if __name__ == '__main__':
    main()
