"""The configs of docs/real_data.md: files in the form of the real ones become a training step and metrics."""

from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmoneformer.apis.train_and_test import evaluate, load_config, train
from mmoneformer.datasets.converters.instance_maps import main
from mmoneformer.registry import DATASETS

CLASSES = 11  # of CamVid, whose maps have 11 for void


def write_camvid(root: Path) -> None:
    """Two scenes of each split, with bands of all classes, and void."""
    for split in ('train', 'val', 'test'):
        for folder in (split, f'{split}annot'):
            (root / folder).mkdir(parents=True)
        for name in 'ab':
            labels = np.repeat(np.arange(CLASSES + 1, dtype=np.uint8), 24)[:, None].repeat(320, axis=1)
            Image.fromarray(np.stack([labels * 20] * 3, axis=-1)).save(root / split / f'{name}.jpg')
            Image.fromarray(labels).save(root / f'{split}annot' / f'{name}.png')


def write_nuclei(root: Path) -> None:
    """Three images with five squares each, as maps of their numbers, converted by the tool."""
    for folder in ('images', 'instances'):
        (root / folder).mkdir(parents=True)
    for name in ('0000', '0001', '0002'):
        numbers = np.zeros((200, 260), np.uint16)
        for number in range(1, 6):
            numbers[40:70, 45 * number - 30 : 45 * number] = number
        Image.fromarray(np.stack([(numbers > 0) * np.uint8(200)] * 3, axis=-1)).save(root / 'images' / f'{name}.jpg')
        Image.fromarray(numbers).save(root / 'instances' / f'{name}.png')
    folders = [str(root / 'images'), str(root / 'instances'), str(root)]
    main('', [*folders, '--class-name', 'nucleus', '--held-out', '3', '--workers', '1'])


def of_one_step(name: str, root: Path, work_dir: Path) -> Config:
    cfg = load_config(f'oneformer_efficientnet-lite0_{name}', work_dir=str(work_dir))
    cfg.model.backbone.pretrained = False  # no download
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
        for source in loader.dataset.sources:
            source.data_root = f'{root}/'
    cfg.train_dataloader.batch_size = 2
    cfg.train_cfg.update(max_iters=1, val_interval=2)
    return cfg


@pytest.mark.parametrize(
    ('name', 'write', 'metrics'),
    [('camvid', write_camvid, {'mIoU'}), ('nuclei', write_nuclei, {'AP', 'AP50'})],
    ids=['camvid', 'nuclei'],
)
def test_trains_and_measures(name, write, metrics, tmp_path):
    write(tmp_path / 'data')
    cfg = of_one_step(name, tmp_path / 'data', tmp_path / 'runs')
    train(cfg)
    figures = evaluate(cfg, (tmp_path / 'runs' / 'last_checkpoint').read_text())
    assert metrics <= figures.keys()
    assert all(0 <= figures[metric] <= 100 for metric in metrics)


def test_camvid_ignores_void(tmp_path):
    write_camvid(tmp_path)
    cfg = of_one_step('camvid', tmp_path, tmp_path)
    cfg.test_dataloader.dataset.lazy_init = False
    sample = DATASETS.build(cfg.test_dataloader.dataset)[0]['data_samples']
    labels = np.unique(sample.gt_sem_seg.sem_seg)
    assert labels.tolist() == [*range(CLASSES), 255]
