"""The whole way on real files: draw a data set, train one model, evaluate its three tasks, draw what it sees."""

import json
import os
import shutil
import time
from pathlib import Path

from mmengine.config import Config
from rich.console import Console
from rich.table import Table

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.apis.train_and_test import evaluate, load_config, train
from mmoneformer.atomic_files import write_json
from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer.tasks import TASKS

# Below the clone
CONFIG = Path('configs/oneformer_tiny_shapes.py')
DATA = Path('data/shapes')
WORK_DIR = Path('work_dirs/demo')
NUM_PICTURES = 6
METRICS_OF_TASK = {
    'panoptic': ('PQ', 'SQ', 'RQ', 'PQ_things', 'PQ_stuff'),
    'instance': ('AP',),
    'semantic': ('mIoU',),
}


def run_demo(root: Path) -> None:
    """Run the demo.

    Args:
        root: A clone of the repository; it becomes the current folder, as the config names the data relative to it.

    Raises:
        FileNotFoundError: If it is none.
    """
    if not (root / CONFIG).is_file():
        raise FileNotFoundError(
            f'{(root / CONFIG).absolute()} is not there: the demo needs a clone of the repository, whose configs the '
            'installed package does not hold; run it there, or name it with --root'
        )
    os.chdir(root)
    console = Console()
    console.rule('1  data')
    write_shapes(DATA, num_train=2000, num_val=100, size=128, seed=0)
    shutil.rmtree(WORK_DIR, ignore_errors=True)

    console.rule('2  training')
    start = time.perf_counter()
    cfg = demo_config('training')
    cfg.train_cfg.val_interval = cfg.max_iters + 1  # step 3 evaluates
    train(cfg)
    seconds = time.perf_counter() - start
    checkpoint = (WORK_DIR / 'training' / 'last_checkpoint').read_text()

    console.rule('3  evaluation, each result under each token')
    metrics = {token: evaluate(config_of_token(token), checkpoint) for token in TASKS}
    report = {key: round(float(metrics[task][key]), 2) for task, keys in METRICS_OF_TASK.items() for key in keys}
    report['seconds_of_training'] = round(seconds, 1)
    write_json(WORK_DIR / 'metrics.json', report, indent=2)
    console.print(token_table(metrics))

    console.rule('4  pictures')
    images = sorted((DATA / 'val').iterdir())[:NUM_PICTURES]
    OneFormerInferencer(weights=checkpoint)([str(path) for path in images], out_dir=str(WORK_DIR / 'pictures'))
    console.print(f'{json.dumps(report, indent=2)}\nmetrics: {(WORK_DIR / "metrics.json").absolute()}')
    console.print(f'pictures: {(WORK_DIR / "pictures").absolute()}')


def demo_config(step: str) -> Config:
    """The config of the demo's model, with a work folder of its own."""
    return load_config(CONFIG, work_dir=str(WORK_DIR / step))


def config_of_token(token: str) -> Config:
    """A config that reads all three results under one task's token."""
    cfg = demo_config(f'{token}_token')
    cfg.log_level = 'WARNING'  # the table says it all
    cfg.model.test_cfg.tokens = dict.fromkeys(TASKS, token)
    for evaluator in cfg.test_evaluator:
        evaluator.any_token = True
    return cfg


def token_table(metrics: dict[str, dict[str, float]]) -> Table:
    """One row per token; the diagonal is what the model is for."""
    table = Table('token', 'PQ (panoptic)', 'AP (instance)', 'mIoU (semantic)')
    for token, values in metrics.items():
        cells = [
            f'[bold]{values[key]:.1f}[/bold]' if task == token else f'{values[key]:.1f}'
            for task, (key, *_) in METRICS_OF_TASK.items()
        ]
        table.add_row(token, *cells)
    return table
