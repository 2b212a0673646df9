"""Compare backbones in the demo's model: size, speed and, after as many training steps each, results on shapes."""

import statistics
import time
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from mmoneformer.apis.train_and_test import evaluate, load_config, train
from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer.models import OneFormer
from mmoneformer.registry import MODELS
from mmoneformer_cli.running import print_any_text
from mmoneformer_deploy.atomic_files import write_json

CONFIG = 'oneformer_tiny_shapes'
FIGURES = ('PQ', 'AP', 'mIoU')
BACKBONES: dict[str, dict[str, Any]] = {
    'demo': {},  # a narrow ResNet-18
    **{
        name: dict(type='TimmBackbone', model=name)
        for name in (
            'resnet18',
            'mobilenetv4_conv_small',
            'mobilenetv4_conv_medium',
            'repvit_m0_9',
            'fastvit_t8',
            'tf_efficientnet_lite0',
            'convnextv2_atto',
        )
    },
    'vit_tiny_patch16_dinov3': dict(type='TimmViT', model='vit_tiny_patch16_dinov3_qkvb'),
}


def read_config(name: str, checkpoint: str | None, work_dir: Path) -> Config:
    """The demo's config with another backbone.

    Args:
        name: In ``BACKBONES``.
        checkpoint: ImageNet weights of the backbone; None for random ones.
        work_dir: Of the training.
    """
    cfg = load_config(CONFIG, work_dir=str(work_dir))
    if BACKBONES[name]:
        cfg.model.backbone = dict(BACKBONES[name], checkpoint=checkpoint)
    return cfg


def measure(model: OneFormer, size: tuple[int, int], repeats: int) -> dict[str, float]:
    """Millions of parameters, billions of multiply-adds, and milliseconds of one image, without the text mapper.

    Sampling and interpolation are no multiply-adds here.
    """
    images = torch.rand(1, 3, *size)
    with FlopCounterMode(display=False) as counter:
        model.eval().requires_grad_(False)(images, mode='tensor')
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        model(images, mode='tensor')
        seconds.append(time.perf_counter() - start)
    parameters = [value for key, value in model.named_parameters() if '.text_mapper.' not in key]
    return {
        'parameters': sum(value.numel() for value in parameters) / 1e6,
        'multiply-adds': counter.get_total_flops() / 2e9,
        'ms': 1e3 * statistics.median(seconds),
    }


def compare(name: str, checkpoint: str | None, options: Any) -> list[dict[str, Any]]:
    """Measure a backbone, and train and evaluate it: a row for each number of decoder layers."""
    folder = options.out / name
    cfg = read_config(name, checkpoint, folder)
    trained = None
    if options.steps:
        train(of_steps(cfg, options))
        trained = (folder / 'last_checkpoint').read_text()
    rows = []
    for layers in range(cfg.model.panoptic_head.masked_decoder.num_layers, 0, -1):
        cfg = read_config(name, checkpoint, folder / f'{layers}_layers')
        cfg.model.test_cfg.num_layers = layers
        row: dict[str, Any] = {'backbone': name, 'layers': layers}
        row |= measure(MODELS.build(cfg.model), options.size, options.repeats)
        if trained:
            figures = evaluate(of_steps(cfg, options), trained)
            row |= {figure: float(figures[figure]) for figure in FIGURES}
        rows.append(row)
    return rows


def of_steps(cfg: Config, options: Any) -> Config:
    """Train as many steps on the data set of this comparison, and evaluate afterwards alone."""
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = f'{options.out / "data"}/'
    warm_up, decay = cfg.param_scheduler
    warm_up.end = decay.begin = max(options.steps // 20, 2)
    decay.end = max(options.steps, decay.begin + 1)
    cfg.train_cfg.update(max_iters=options.steps, val_interval=options.steps + 1)
    return cfg


def table_of(rows: Sequence[dict[str, Any]]) -> Table:
    """The rows as a table."""
    table = Table()
    for name in rows[0]:
        table.add_column(name, justify='left' if name == 'backbone' else 'right')
    for row in rows:
        table.add_row(*(f'{value:.2f}' if isinstance(value, float) else str(value) for value in row.values()))
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    print_any_text()
    parser = ArgumentParser(description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument('names', nargs='*', metavar='NAME', help=f'backbones, all if none: {", ".join(BACKBONES)}')
    parser.add_argument('--size', nargs=2, type=int, default=(512, 512), metavar=('H', 'W'), help='measured images')
    parser.add_argument('--repeats', type=int, default=5, help='runs of which the median time is taken')
    parser.add_argument('--steps', type=int, default=0, help='training steps of each; 0 measures size and speed alone')
    parser.add_argument('--num-train', type=int, default=2000, help='training images')
    parser.add_argument('--num-val', type=int, default=100, help='validation images')
    parser.add_argument(
        '--checkpoint', nargs=2, action='append', default=[], metavar=('NAME', 'FILE'), help='ImageNet weights of one'
    )
    parser.add_argument('--out', type=Path, default=Path('work_dirs/backbones'), help='output folder')
    options = parser.parse_args(arguments)
    unknown = {*options.names, *(name for name, _ in options.checkpoint)} - BACKBONES.keys()
    if unknown:
        parser.error(f'unknown backbones {sorted(unknown)}: choose from {list(BACKBONES)}')
    if options.steps:
        write_shapes(options.out / 'data', num_train=options.num_train, num_val=options.num_val, size=128, seed=0)
    rows: list[dict[str, Any]] = []
    for name in options.names or BACKBONES:
        rows += compare(name, dict(options.checkpoint).get(name), options)
        write_json(options.out / 'backbones.json', rows, indent=2)
    Console().print(table_of(rows))


if __name__ == '__main__':
    main()
