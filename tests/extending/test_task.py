"""A task of one's own, "part": one file and one config (``own/``), and the package stays as it is."""

import json

import numpy as np
import pytest
import torch

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.apis.train_and_test import train
from mmoneformer.registry import DATASETS
from mmoneformer.results.as_dict import as_dict
from mmoneformer.tasks import TASKS, TaskTable
from mmoneformer.visualization import draw_results

CONFIG = 'tests/extending/own/configs/oneformer_part_shapes.py'
IMAGE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


@pytest.fixture
def cfg(load):
    """The config, with which the task is known until the end of the test."""
    yield load(CONFIG)
    for table in (TASKS, *TaskTable.tables):
        table.pop('part', None)


def test_trains_predicts_draws_exports_and_is_measured(cfg, tmp_path):
    check_targets(cfg)
    runner = train(cfg)
    assert 0 <= runner.message_hub.log_scalars['val/part/AP'].current() <= 100
    inferencer = OneFormerInferencer(weights=str(tmp_path / 'work/iter_2.pth'), device='cpu')
    check_token(inferencer.model)
    check_results(inferencer, tmp_path / 'results')
    check_drawing(inferencer)


def check_targets(cfg):
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    sampled = [dataset[index % len(dataset)]['data_samples'].targets for index in range(60)]
    assert {targets.task for targets in sampled} == {'panoptic', 'instance', 'semantic', 'part'}
    things = set(dataset.metainfo['thing_ids'])
    assert all(set(targets.labels.tolist()) <= things for targets in sampled if targets.task == 'part')


def check_token(model):
    logits = model(torch.randn(1, 3, 64, 64), mode='tensor', tasks=('instance', 'part'))
    assert not torch.allclose(logits['instance'][0], logits['part'][0])


def check_results(inferencer, folder):
    found = inferencer(IMAGE, tasks=['semantic', 'part'], out_dir=str(folder))['predictions'][0]
    assert list(found) == ['semantic', 'part']
    assert len(found['part']['scores']) == len(found['part']['masks']) > 0
    (written,) = (path for path in folder.glob('*.json'))
    assert json.loads(written.read_text())['parts'] == found['part']


def check_drawing(inferencer):
    sample = inferencer(IMAGE, tasks=['part'], return_datasamples=True)['predictions'][0]
    sample.pred_parts.masks[0, 10:30, 10:50] = True
    sample.pred_parts.scores[:] = 0.9  # the surest are drawn
    results = as_dict(sample, inferencer.metainfo, ['part'])
    drawn = draw_results(IMAGE, results, inferencer.metainfo)['part']
    empty = {'part': {'labels': [], 'scores': [], 'masks': []}}
    assert (drawn != draw_results(IMAGE, empty, inferencer.metainfo)['part']).any()
