"""Train one OneFormer, and a Mask2Former for each task, and compare them on shapes."""

import time
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarking.mask2former_head import Mask2FormerHead
from mmengine.config import Config
from rich.console import Console
from rich.table import Table

from mmoneformer.apis.demo import METRICS
from mmoneformer.apis.train_and_test import evaluate, load_config, train
from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer.tasks import TASKS
from mmoneformer_cli.running import print_any_text
from mmoneformer_deploy.atomic_files import write_json

CONFIG = 'oneformer_tiny_shapes'


def read_config(options: Any, name: str, steps: int) -> Config:
    """The demo's config, for a training of some steps with a folder of its own."""
    cfg = load_config(CONFIG, work_dir=str(options.out / name))
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = f'{options.out / "data"}/'
    warm_up, decay = cfg.param_scheduler
    warm_up.end = decay.begin = max(steps // 16, 2)
    decay.end = max(steps, decay.begin + 1)
    cfg.train_cfg.update(max_iters=steps, val_interval=steps + 1)
    cfg.randomness.seed = options.seed
    return cfg


def config_of_separate(options: Any, task: str) -> Config:
    """The same with mmdet's head, trained and evaluated for one task."""
    cfg = read_config(options, f'mask2former_{task}', options.steps)
    head = cfg.model.panoptic_head
    pixels = dict(
        num_layers=head.pixel_decoder.num_layers, feedforward_channels=head.pixel_decoder.feedforward_channels
    )
    cfg.model.panoptic_head = dict(
        type=Mask2FormerHead.__name__,
        num_queries=head.num_queries,
        channels=head.channels,
        pixel_decoder=pixels,
        masked_decoder=dict(head.masked_decoder),
        num_points=head.set_loss.num_points,
    )
    cfg.model.test_cfg.tasks = [task]
    steps = cfg.train_dataloader.dataset.pipeline
    next(step for step in steps if step.type == 'SampleTask').probabilities = {task: 1.0}
    evaluators = dict(zip(('panoptic', 'instance', 'semantic'), cfg.test_evaluator, strict=True))
    cfg.val_evaluator = cfg.test_evaluator = [evaluators[task]]
    cfg.default_hooks.checkpoint.save_best = None
    return cfg


def measure(cfg: Config) -> tuple[dict[str, float], float]:
    """Train and evaluate; returns the metrics, and the CPU seconds of the training."""
    start = time.process_time()
    train(cfg)
    seconds = time.process_time() - start
    return evaluate(cfg, (Path(cfg.work_dir) / 'last_checkpoint').read_text()), seconds


def compare(options: Any) -> dict[str, Any]:
    """Train all models.

    Returns:
        Steps and seconds of each training, and by task the first of its metrics for both.
    """
    steps = options.oneformer_steps or options.steps
    ours, seconds = measure(read_config(options, 'oneformer', steps))
    report: dict[str, Any] = {
        'steps': {'oneformer': steps, 'mask2former': options.steps},
        'seconds': {'oneformer': seconds},
        'metrics': {},
    }
    for task in TASKS:
        metric = METRICS[task][0]
        theirs, seconds = measure(config_of_separate(options, task))
        report['seconds'][f'mask2former_{task}'] = seconds
        report['metrics'][metric] = {'oneformer': float(ours[metric]), 'mask2former': float(theirs[metric])}
        write_json(options.out / 'training.json', report, indent=2)
    return report


def table_of(report: dict[str, Any]) -> Table:
    """The report as a table."""
    seconds = dict(report['seconds'])
    first = seconds.pop('oneformer')
    table = Table('', 'one OneFormer', 'a Mask2Former for each task')
    for metric, values in report['metrics'].items():
        table.add_row(metric, *(f'{values[name]:.1f}' for name in ('oneformer', 'mask2former')))
    steps = report['steps']
    table.add_row('training steps', str(steps['oneformer']), f'{len(seconds)} x {steps["mask2former"]}')
    table.add_row('CPU seconds of training', f'{first:.0f}', f'{sum(seconds.values()):.0f}')
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    print_any_text()
    parser = ArgumentParser(description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument('--steps', type=int, default=800, help='training steps of each model')
    parser.add_argument('--oneformer-steps', type=int, help='those of OneFormer, None for as many')
    parser.add_argument('--num-train', type=int, default=2000, help='training images')
    parser.add_argument('--num-val', type=int, default=100, help='validation images')
    parser.add_argument('--seed', type=int, default=0, help='of the weights and the order of the images')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/compare_training'), help='output folder')
    options = parser.parse_args(arguments)
    write_shapes(options.out / 'data', num_train=options.num_train, num_val=options.num_val, size=128, seed=0)
    Console().print(table_of(compare(options)))


if __name__ == '__main__':
    main()
