"""Arguments that several commands take."""

import argparse
import os
from argparse import Action, ArgumentParser, Namespace
from typing import Any

# Repeated here because the modules that define them import torch; a test compares.
TASKS = ('panoptic', 'instance', 'semantic')  # mmoneformer.tasks
PRECISIONS = ('float32', 'bfloat16', 'float16')  # mmoneformer.apis.device
EXPORT_FORMATS = ('onnx', 'torch', 'aot', 'openvino')  # mmoneformer.export.formats
SAMPLING = ('grid', 'gather')  # mmoneformer.export.network
FORMATS = ('json', 'png', 'coco', 'pictures')  # mmoneformer_deploy.image_files
POLYGONS = ('geojson', 'gpkg')  # mmoneformer.rasters.geo_files
SPLITS = ('train', 'val')  # mmoneformer.apis.check_dataset

CONFIG_HELP = "config file, or the name of a config ('mmoneformer config' lists them)"
DEVICE_HELP = 'device, for example cuda:0; default: auto (CUDA, XPU, MPS or NPU where available, else CPU)'


class LazyDictAction(Action):
    """mmengine's DictAction, imported only when the option is used."""

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Any, option_string: str | None = None
    ) -> None:
        """Parse ``key=value`` pairs into a dict."""
        from mmengine.config import DictAction

        action = DictAction(self.option_strings, self.dest, nargs=self.nargs)
        action(parser, namespace, values, option_string)


def add_model_options(parser: ArgumentParser, weights: str) -> None:
    """Add the options of the model that predicts; ``weights`` says what may be given for it."""
    group = parser.add_argument_group('model')
    group.add_argument('--weights', required=True, metavar='CKPT', help=weights)
    group.add_argument('--config', help='config of the model; default: the config in the checkpoint')
    group.add_argument('--device', default='auto', help=DEVICE_HELP)
    group.add_argument(
        '--precision', choices=PRECISIONS, default='float32', help='floating-point type of the model; default: float32'
    )


def side_of_tiles(text: str) -> int | str:
    """Read a number of pixels, or 'auto'."""
    return text if text == 'auto' else int(text)


def add_tile_options(parser: argparse._ActionsContainer) -> None:
    """Add ``--tile`` and ``--overlap``."""
    parser.add_argument(
        '--tile',
        type=side_of_tiles,
        metavar='N',
        help='predict images in tiles of N x N pixels; auto: those that are much larger than the input of the model',
    )
    parser.add_argument(
        '--overlap', type=int, metavar='N', help='pixels that neighboring tiles share; default: a quarter of the tile'
    )


def add_config_options(parser: ArgumentParser) -> None:
    """Add ``--cfg-options``."""
    parser.add_argument(
        '--cfg-options', nargs='+', action=LazyDictAction, metavar='K=V', help='settings of the config to override'
    )


def add_process_options(parser: ArgumentParser) -> None:
    """Add the options of distributed runs."""
    group = parser.add_argument_group('distributed')
    group.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='job launcher that started the processes; default: none',
    )
    group.add_argument('--local-rank', '--local_rank', default='0', help=argparse.SUPPRESS)  # torch's launcher


def pass_on_rank(options: Namespace) -> None:
    """Set ``LOCAL_RANK`` for mmengine; some launchers pass the rank as an argument alone."""
    os.environ.setdefault('LOCAL_RANK', options.local_rank)
