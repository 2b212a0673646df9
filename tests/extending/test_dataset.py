"""A data set by name: one file of classes and one base config (``own/``), and the package stays as it is."""

import pytest

from mmoneformer.apis.train_and_test import train
from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer.metainfo import KNOWN_DATASETS, resolve_metainfo

CONFIG = 'tests/extending/own/configs/oneformer_r50_signs.py'
TINY = {
    'model.backbone': dict(depth=18, stem_channels=8, base_channels=8, init_cfg=None),
    'model.panoptic_head.pixel_decoder': dict(in_channels=[8, 16, 32, 64], num_layers=1),
    'model.panoptic_head.text_mapper.encoder': dict(width=64, num_layers=1),
    'model.panoptic_head.text_mapper.num_context': 2,
    'model.panoptic_head.set_loss.type': 'MaskSetLoss',
}


@pytest.fixture
def signs(tmp_path):
    """The folder of the data set; other tests do not know its name."""
    write_shapes(tmp_path / 'signs', num_train=4, num_val=2, size=64, seed=0, classes='signs')
    yield tmp_path / 'signs'
    del KNOWN_DATASETS['signs']


def test_trains_and_is_measured(load, signs):
    cfg = load(CONFIG, data_root=signs, **TINY)
    assert cfg.model.metainfo == 'signs'
    runner = train(cfg)
    assert runner.model.dataset_meta == resolve_metainfo('signs')
    assert runner.model.dataset_meta['thing_ids'] == (0, 2, 4, 6)
    assert {'val/PQ', 'val/AP', 'val/mIoU'} <= runner.message_hub.log_scalars.keys()
