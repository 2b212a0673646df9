"""Predict images: write each image next to its results, and the results as JSON and PNG files."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import TextIOWrapper
from itertools import chain
from typing import Any

from mmoneformer_cli.arguments import (
    FORMATS,
    POLYGONS,
    TASKS,
    add_model_options,
    add_process_options,
    add_tile_options,
    pass_on_rank,
)
from mmoneformer_cli.running import UsageError

Save = Callable[..., tuple[int, list[Any]]]

EXAMPLES = """\
  mmoneformer predict photo.jpg --weights oneformer_swin-l_coco
  mmoneformer predict 'photos/*.jpg' --weights model.pth --tasks panoptic --out-dir results --on-error skip
  mmoneformer predict archive --recursive --resume --no-pictures --weights model.pth --out-dir results
  mmoneformer predict aerial.tif --tile 1024 --overlap 256 --bands 4 3 2 --range 0 3000 --weights model.pth
  mmoneformer predict photo.jpg --weights model.onnx"""
# options, and defaults
OF_TILES = {'overlap': None, 'context': False, 'bands': None, 'range': None, 'polygons': 'geojson'}
OF_CHECKPOINTS = {
    'config': None,
    'device': 'auto',
    'precision': 'float32',
    'batch_size': 1,
    'track': False,
    'launcher': 'none',
    'tile': None,
    **OF_TILES,
}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('inputs', nargs='*', metavar='INPUT', help='image, folder of images, glob pattern, or URL')
    add_model_options(
        parser, 'checkpoint, name of a released model, hf://<owner>/<name>, or exported file (.onnx, .xml)'
    )
    results = parser.add_argument_group('results')
    results.add_argument(
        '--tasks',
        nargs='+',
        choices=TASKS,
        default=list(TASKS),
        metavar='TASK',
        help=f'of {", ".join(TASKS)}; default: all',
    )
    results.add_argument('--batch-size', type=int, default=1, metavar='N', help='images per batch; default: 1')
    results.add_argument(
        '--on-error', choices=['stop', 'skip'], default='stop', help='what to do at an image that fails; default: stop'
    )
    results.add_argument(
        '--out-dir', default='work_dirs/image_demo', help='folder for the results; default: work_dirs/image_demo'
    )
    film = parser.add_argument_group('film')
    film.add_argument(
        '--track',
        action='store_true',
        help='the images are frames in their order: objects have ids and colors that stay',
    )
    _add_options_of_tiles(parser)
    _add_options_of_many(parser)
    add_process_options(parser)


def _add_options_of_tiles(parser: ArgumentParser) -> None:
    add_tile_options(group := parser.add_argument_group('large images'))
    group.add_argument(
        '--context', action='store_true', help='a pass over the reduced image decides stuff, and tiles decide things'
    )
    rasters = parser.add_argument_group('rasters (TIFF files with --tile)')
    rasters.add_argument(
        '--bands', nargs='+', type=int, metavar='B', help='numbers of the bands for red, green and blue: 4 3 2'
    )
    rasters.add_argument(
        '--range', nargs=2, type=float, metavar=('LOW', 'HIGH'), help='values that become black and white: 0 3000'
    )
    rasters.add_argument(
        '--polygons',
        choices=POLYGONS,
        default='geojson',
        help='format of the outlines of segments; default: geojson',
    )


def _add_options_of_many(parser: ArgumentParser) -> None:
    group = parser.add_argument_group('many images')
    group.add_argument('--list', metavar='FILE', help='file with an input per line, in addition to INPUT; - for stdin')
    group.add_argument(
        '--recursive', action='store_true', help='predict images in subfolders, too; results keep the subfolders'
    )
    group.add_argument(
        '--resume', action='store_true', help='skip images whose results an earlier run completed in the same folder'
    )
    group.add_argument(
        '--formats',
        nargs='+',
        choices=FORMATS,
        default=list(FORMATS),
        metavar='FORMAT',
        help=f'what is written, of {", ".join(FORMATS)}; default: all. panoptic.json of coco needs png',
    )
    group.add_argument('--no-pictures', action='store_true', help='write all formats but the pictures')
    group.add_argument(
        '--workers',
        type=int,
        metavar='N',
        help='processes that draw and write, and threads that read; 0 for none; default: as many as pay',
    )


def run(options: Namespace) -> int:
    """Run the command; return the exit status.

    Raises:
        UsageError: If an option does not apply to an exported file, or nothing is to be predicted.
    """
    from mmoneformer_deploy.runtimes import is_exported

    inputs = _inputs(options)
    is_first, save = (_exported if is_exported(options.weights) else _checkpoint)(options)
    count, failures = save(
        inputs,
        options.out_dir,
        tasks=options.tasks,
        on_error=options.on_error,
        formats=[name for name in options.formats if name != 'pictures' or not options.no_pictures],
        resume=options.resume,
        recursive=options.recursive,
        num_workers=options.workers,
    )
    skipped = f', {len(failures)} skipped' if failures else ''
    if is_first:
        print(f'{count} images{skipped}: {options.out_dir}')
    return 0


def _inputs(options: Namespace) -> Iterable[str]:
    """The arguments, and the lines of the list; those of stdin one by one, while they are written.

    Names of files may have bytes that are not UTF-8, and editors of Windows begin a file with a mark of UTF-8.
    """
    if not options.inputs and options.list is None:
        raise UsageError('there is nothing to predict: give images, folders, patterns or URLs, or --list FILE')
    if options.list is None:
        return options.inputs
    if options.list == '-':
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(errors='surrogateescape')
        lines = chain(options.inputs, _lines(sys.stdin))
        return list(lines) if options.recursive else lines
    with open(options.list, encoding='utf-8-sig', errors='surrogateescape') as file:
        return [*options.inputs, *_lines(file)]


def _lines(file: Iterable[str]) -> Iterator[str]:
    return (line.rstrip('\r\n') for line in file if line.strip())


def _checkpoint(options: Namespace) -> tuple[bool, Save]:
    """Whether this process is the first, and what predicts with a checkpoint."""
    from mmoneformer.apis import OneFormerInferencer

    tiling = _tiling(options)
    is_first = True
    if options.launcher != 'none':
        from mmoneformer.apis.launched import join_processes

        pass_on_rank(options)
        is_first = join_processes(options.launcher)
    settings = dict(precision=options.precision, show_progress=is_first)
    inferencer = OneFormerInferencer(options.config, options.weights, options.device, **settings)
    return is_first, partial(inferencer.save, batch_size=options.batch_size, track=options.track, **tiling)


def _tiling(options: Namespace) -> dict[str, Any]:
    """The arguments of the inferencer that are about tiles."""
    given = {name: getattr(options, name) for name, default in OF_TILES.items() if getattr(options, name) != default}
    if given and options.tile is None:
        raise UsageError(f'{_named(given)}: this is for tiles, so add --tile, for example --tile auto')
    return {'tile': options.tile} | {'value_range' if name == 'range' else name: given[name] for name in given}


def _exported(options: Namespace) -> tuple[bool, Save]:
    """The same with an exported file, without torch."""
    from mmoneformer_deploy import Session

    given = [name for name, default in OF_CHECKPOINTS.items() if getattr(options, name) != default]
    if given:
        raise UsageError(
            f'{_named(given)}: {options.weights} is an exported file, which leaves no such choice: leave it out'
        )
    return True, Session(options.weights).save


def _named(names: Iterable[str]) -> str:
    """Options as they are given."""
    return ', '.join(f'--{name.replace("_", "-")}' for name in names)
