"""One training and one validation over three sources of different annotations and classes."""

from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmoneformer.apis.train_and_test import load_config, train
from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer.evaluation import PanopticQuality, SemanticIoU, ThingInstanceAP

ROOT = Path(__file__).parents[1]
SHAPES = Config.fromfile(ROOT / 'configs/_base_/datasets/shapes.py')
RINGS = dict(classes=('ring', 'star'), thing_ids=(0, 1))


@pytest.fixture(scope='module')
def roots(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data')
    for name in ('shapes', 'signs'):
        write_shapes(folder / name, num_train=3, num_val=2, size=64, seed=0, classes=name)
    return {name: str(folder / name) for name in ('shapes', 'signs')}


def sources(roots, split):
    panoptic = dict(
        ann_file=f'annotations/panoptic_{split}.json', data_prefix=dict(img=split, seg=f'panoptic_{split}')
    )
    labels = dict(img_path=split, seg_map_path=f'semantic_{split}')
    return [
        dict(type='PanopticSegDataset', data_root=roots['signs'], **panoptic),
        dict(
            type='mmdet.CocoDataset',
            data_root=roots['shapes'],
            ann_file=f'annotations/instances_{split}.json',
            data_prefix=dict(img=split),
            metainfo=RINGS,
        ),
        dict(
            type='mmseg.BaseSegDataset',
            data_root=roots['shapes'],
            data_prefix=labels,
            reduce_zero_label=True,
            metainfo=dict(classes=SHAPES.metainfo.classes),
        ),
    ]


@pytest.fixture
def cfg(roots, tmp_path):
    cfg = load_config(ROOT / 'tests/data/tiny_oneformer.py', work_dir=str(tmp_path))
    signs = dict(
        classes=('cross', 'brick', 'star', 'snow', 'arrow', 'grass', 'hexagon'),
        thing_ids=(0, 2, 4, 6),
    )
    metainfo = [signs, RINGS, SHAPES.metainfo]
    cfg.model.metainfo = metainfo
    cfg.model.backbone.pop('init_cfg')
    cfg.model.panoptic_head.num_queries = 12
    cfg.model.panoptic_head.set_loss = dict(type='MaskSetLoss', num_points=16)
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadSegments'),
        dict(type='mmdet.RandomFlip', prob=0.5),
        dict(type='mmdet.RandomCrop', crop_size=(48, 40), allow_negative_crop=True),
        dict(type='SampleTask'),
        dict(type='PackOneFormerInputs'),
    ]
    test_pipeline = [*cfg.test_pipeline[:2], dict(type='LoadSegments'), dict(type='PackOneFormerInputs')]
    for split, steps in (('train', pipeline), ('val', test_pipeline)):
        cfg[f'{split}_dataloader'] = SHAPES[f'{split}_dataloader'] | dict(
            num_workers=0,
            persistent_workers=False,
            dataset=dict(
                type='MultiSourceDataset',
                metainfo=metainfo,
                sources=sources(roots, split),
                pipeline=steps,
                test_mode=split == 'val',
            ),
        )
    cfg.val_evaluator = SHAPES.val_evaluator
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=2, val_interval=2)
    cfg.val_cfg = dict(type='ValLoop')
    cfg.optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-4))
    cfg.pop('test_dataloader')
    return cfg


@pytest.fixture
def counts(monkeypatch):
    """How many images each metric measures."""
    counts = {}

    def counting(metric):
        compute = metric.compute

        def count(self, results):
            counts[metric.__name__] = len(results)
            return compute(self, results)

        return count

    for metric in (PanopticQuality, ThingInstanceAP, SemanticIoU):
        monkeypatch.setattr(metric, 'compute', counting(metric))
    return counts


def test_one_model_learns_and_is_measured_from_all_sources(cfg, counts, monkeypatch):
    monkeypatch.setattr(Config, 'pretty_text', '')  # formatting it takes longer than the training
    runner = train(cfg)
    classes = runner.model.dataset_meta['classes']
    assert classes[:8] == ('cross', 'brick', 'star', 'snow', 'arrow', 'grass', 'hexagon', 'ring')
    assert classes[8:] == ('circle', 'square', 'water', 'triangle', 'sand', 'sky')
    scalars = runner.message_hub.log_scalars
    assert np.isfinite(scalars['train/loss'].current())
    assert all(np.isfinite(scalars[f'val/{name}'].current()) for name in ('PQ', 'AP', 'mIoU'))
    assert counts == {'PanopticQuality': 2, 'ThingInstanceAP': 4, 'SemanticIoU': 4}  # of 2 images of each source
