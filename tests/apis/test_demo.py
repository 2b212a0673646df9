import json
import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.config import Config
from rich.console import Console

from mmoneformer.apis import demo
from mmoneformer.config_files import config_path
from mmoneformer.models.task_results import InferenceConfig
from mmoneformer.tasks import TASKS

CONFIG = """
crop_size = (64, 48)
train_cfg = dict(max_iters=8)
param_scheduler = [dict(type='LinearLR', end=4), dict(type='PolyLR', begin=4, end=8)]
optim_wrapper = dict(optimizer=dict(lr=1.0))
train_dataloader = dict(dataset=dict(data_root='data/drawn/', pipeline=[dict(type='SampleTask')]))
"""
METRIC_NAMES = [name for names in demo.METRICS.values() for name in names]


@pytest.fixture
def calls(tmp_path, monkeypatch):
    """What the demo calls in an empty folder, with functions in place of those that take minutes."""
    monkeypatch.chdir(tmp_path)
    Path('config.py').write_text(CONFIG)
    calls = {'tokens': []}

    def write_shapes(folder, **settings):
        calls['shapes'] = settings
        (folder / 'val').mkdir(parents=True)
        (folder / 'val/1.jpg').touch()

    def test():
        tokens = runner.model.test_cfg.tokens
        calls['tokens'].append(tokens)
        calls['any_token'] = [metric.any_token for metric in loop.evaluator.metrics]
        offset = list(TASKS).index(tokens['panoptic'])
        return {name: np.float64(10 * place + offset) for place, name in enumerate(METRIC_NAMES)}

    def train(cfg):
        calls['cfg'] = cfg
        calls['sample_task'] = cfg.train_dataloader.dataset.pipeline[0]
        Path(cfg.work_dir).mkdir(parents=True)
        Path(cfg.work_dir, 'last_checkpoint').write_text('last.pth')
        return runner

    def predict(images, out_dir):
        calls['images'] = images

    model = SimpleNamespace(test_cfg=InferenceConfig(max_per_image=10))
    loop = SimpleNamespace(evaluator=SimpleNamespace(metrics=[SimpleNamespace(any_token=False)]))
    runner = SimpleNamespace(model=model, logger=logging.getLogger('demo'), test_loop=loop, test=test)
    monkeypatch.setattr(demo, 'CONFIG', 'config.py')
    monkeypatch.setattr(demo, 'write_shapes', write_shapes)
    monkeypatch.setattr(demo, 'train', train)
    monkeypatch.setattr(demo, 'OneFormerInferencer', lambda weights: {'last.pth': predict}[weights])
    return calls


def test_each_metric_is_measured_with_the_token_of_its_task(calls):
    demo.run_demo()
    report = json.loads((demo.WORK_DIR / 'metrics.json').read_text())
    report.pop('seconds_of_training')
    assert report == {'PQ': 0, 'SQ': 10, 'RQ': 20, 'PQ_things': 30, 'PQ_stuff': 40, 'AP': 51, 'mIoU': 62}
    assert calls['tokens'] == [dict.fromkeys(TASKS, token) for token in TASKS]
    assert calls['any_token'] == [True]
    assert calls['sample_task'].probabilities == demo.TASK_SHARES
    cfg = calls['cfg']
    assert cfg.train_cfg.val_begin > cfg.train_cfg.max_iters == cfg.param_scheduler[-1].end == 420
    assert (cfg.train_dataloader.batch_size, cfg.optim_wrapper.optimizer.lr) == (8, 2e-3)
    assert calls['shapes'] == dict(num_train=2000, num_val=100, size=48, seed=0)
    assert calls['images'] == ['data/drawn/val/1.jpg']


def test_the_table_has_a_row_per_token(capsys):
    results = {token: dict.fromkeys(METRIC_NAMES, index + 0.25) for index, token in enumerate(TASKS)}
    Console(width=100).print(demo.token_table(results))
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ['│', 'instance', '│', '1.2', '│', '1.2', '│', '1.2', '│'] in rows


def test_the_config_is_one_of_the_package():
    cfg = Config.fromfile(config_path(demo.CONFIG))
    assert cfg.train_cfg.max_iters == 800
    assert cfg.train_dataloader.dataset.data_root == 'data/shapes/'
