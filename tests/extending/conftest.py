from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from mmoneformer.apis.train_and_test import load_config
from mmoneformer.datasets.shapes.folder import write_shapes

ROOT = Path(__file__).parents[2]
SMALL = {
    'model.panoptic_head.channels': 32,
    'model.panoptic_head.num_queries': 12,
    'model.panoptic_head.masked_decoder.num_layers': 1,
    'model.panoptic_head.set_loss.num_points': 16,
    'model.test_cfg': dict(object_mask_thr=0.0, overlap_thr=0.0, max_per_image=5),
    'train_cfg.max_iters': 2,
    'train_cfg.val_interval': 2,
    'train_dataloader.batch_size': 2,
}


@pytest.fixture(scope='session')
def shapes(tmp_path_factory):
    """A folder in COCO's panoptic format, with 4 training images and 2 for validation."""
    folder = tmp_path_factory.mktemp('data') / 'shapes'
    write_shapes(folder, num_train=4, num_val=2, size=64, seed=0)
    return folder


@pytest.fixture
def load(shapes, tmp_path, monkeypatch):
    """Reads a config, so that two steps of training and a validation take a second."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / 'own'))

    def read(path: str | Path, data_root: Path = shapes, **options: Any) -> Config:
        cfg = load_config(ROOT / path, work_dir=str(tmp_path / 'work'), cfg_options=SMALL | options)
        for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
            loader.update(num_workers=0, persistent_workers=False)
            loader.dataset.data_root = str(data_root)
        return cfg

    return read
