"""The demo: draw a small data set, train one model, evaluate its three tasks and draw its results."""

import json
import logging
import shutil
import time
from dataclasses import replace
from pathlib import Path

from mmengine.runner import Runner
from rich.console import Console
from rich.table import Table

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.apis.train_and_test import load_config, train
from mmoneformer.config_files import formatted_once
from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer.tasks import TASKS, TaskTable
from mmoneformer_deploy.atomic_files import write_json

CONFIG = 'oneformer_tiny_shapes'
WORK_DIR = Path('work_dirs/demo')
NUM_TRAIN, NUM_VAL = 2000, 100  # images of the data set
NUM_DRAWN = 6
STEPS = 420
TRAINING = {  # fewer and larger steps than in the config: a CPU takes less time for as many images
    'train_dataloader.batch_size': 8,
    'optim_wrapper.optimizer.lr': 2e-3,
    'param_scheduler.1.end': STEPS,
    'train_cfg.max_iters': STEPS,
    'train_cfg.val_interval': STEPS,
    'train_cfg.val_begin': STEPS + 1,  # the evaluation comes later
}
TASK_SHARES = dict(panoptic=0.35, instance=0.5, semantic=0.15)  # instances take the longest to learn
METRICS = TaskTable(
    'mmoneformer.apis.demo.METRICS',
    {
        'panoptic': ('PQ', 'SQ', 'RQ', 'PQ_things', 'PQ_stuff'),
        'instance': ('AP',),
        'semantic': ('mIoU',),
    },
)

Results = dict[str, dict[str, float]]


@formatted_once()
def run_demo() -> None:
    """Run the demo in the current folder.

    It writes the data set to ``data/shapes``, where the config reads it, and checkpoints, ``metrics.json`` and the
    drawn results to ``work_dirs/demo``. An earlier demo is overwritten; the data set is reused.

    Raises:
        FileExistsError: If the folder of the data set has other files.
    """
    console = Console()
    console.rule('1  data')
    cfg = load_config(CONFIG, work_dir=str(WORK_DIR / 'training'), cfg_options=TRAINING)
    data = Path(cfg.train_dataloader.dataset.data_root)
    write_shapes(data, num_train=NUM_TRAIN, num_val=NUM_VAL, size=min(cfg.crop_size), seed=0)
    shutil.rmtree(WORK_DIR, ignore_errors=True)

    console.rule('2  training')
    start = time.perf_counter()
    pipeline = cfg.train_dataloader.dataset.pipeline
    next(step for step in pipeline if step.type == 'SampleTask').probabilities = TASK_SHARES
    runner = train(cfg)
    seconds = time.perf_counter() - start
    checkpoint = (WORK_DIR / 'training' / 'last_checkpoint').read_text()

    console.rule('3  evaluation of each result with the token of each task')
    results = {token: evaluate_token(runner, token) for token in TASKS}
    report = {name: round(float(results[task][name]), 2) for task in TASKS for name in METRICS[task]}
    report['seconds_of_training'] = round(seconds, 1)
    write_json(WORK_DIR / 'metrics.json', report, indent=2)
    console.print(token_table(results))

    console.rule('4  images')
    images = sorted((data / 'val').iterdir())[:NUM_DRAWN]
    OneFormerInferencer(weights=checkpoint)([str(path) for path in images], out_dir=str(WORK_DIR / 'pictures'))
    console.print(f'{json.dumps(report, indent=2)}\nmetrics: {(WORK_DIR / "metrics.json").absolute()}')
    console.print(f'images: {(WORK_DIR / "pictures").absolute()}')


def evaluate_token(runner: Runner, token: str) -> dict[str, float]:
    """Predict and evaluate all results with the token of one task; returns the metrics by name."""
    runner.logger.setLevel(logging.WARNING)  # the table has the results
    for metric in runner.test_loop.evaluator.metrics:
        metric.any_token = True
    runner.model.test_cfg = replace(runner.model.test_cfg, tokens=dict.fromkeys(TASKS, token))
    return runner.test()


def token_table(results: Results) -> Table:
    """Return a table of the first metric of each task, one row per token; in bold the token that belongs to the task.

    Args:
        results: Metrics by the token that they were measured with.
    """
    table = Table('token', *(f'{METRICS[task][0]} ({task})' for task in TASKS))
    for token, metrics in results.items():
        values = {task: f'{metrics[METRICS[task][0]]:.1f}' for task in TASKS}
        table.add_row(token, *(f'[bold]{value}[/bold]' if task == token else value for task, value in values.items()))
    return table
