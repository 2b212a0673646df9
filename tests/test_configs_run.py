"""Each config makes images of the right size, runs a training step, and predicts and measures, on real files."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmoneformer.datasets.resumable_loading import set_random_state
from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.registry import DATASETS

CONFIGS = Path(__file__).parents[1] / 'configs'
NAMES = sorted(
    path.stem.removeprefix('oneformer_')
    for path in CONFIGS.glob('*.py')
    if not path.stem.endswith(('custom', 'fsdp', 'camvid', 'nuclei'))  # these have tests of their own
)
SIZE = (96, 64)  # width, height of the tiny files
FAST = ('r50_cityscapes', 'r50_coco', 'swin-t_ade20k', 'tiny_shapes')  # each data set; the others take up to 7 GB
STEPS = [pytest.param(name, marks=[] if name in FAST else [pytest.mark.slow]) for name in NAMES]
IMAGES = {  # short sides of training in tenths, crop (height, width); height and width of a test image; TTA's sides
    'r50_ade20k': (512, (512, 512), (512, 768), (256, 384, 512, 640, 768, 896)),
    'swin-l_ade20k': (640, (640, 640), (640, 960), (320, 480, 640, 800, 960, 1120)),
    'swin-l_ade20k_896': (896, (896, 896), (896, 1344), (448, 672, 896, 1120, 1344, 1568)),
    'swin-l_ade20k_1280': (1280, (1280, 1280), (1280, 1920), (640, 960, 1280, 1600, 1920, 2240)),
    'r50_cityscapes': (1024, (512, 1024), (1024, 1536), (512, 768, 1024, 1280, 1536, 1792)),
    'swin-l_mapillary': (2048, (1024, 1024), (1365, 2048), (512, 768, 1024, 1280, 1536, 1792)),
    'convnext-l_mapillary_three-tasks': (2048, (1024, 1024), (1365, 2048), (512, 768, 1024, 1280, 1536, 1792)),
    'r50_coco': (None, (1024, 1024), (800, 1200), None),
}


@pytest.fixture
def load(tmp_path: Path):
    """Reads a config, and makes the files that its data loaders name."""

    def read(name: str) -> Config:
        cfg = Config.fromfile(CONFIGS / f'oneformer_{name}.py')
        init_default_scope(cfg.default_scope)
        for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
            loader.dataset.data_root = str(tmp_path)
            write_split(tmp_path, loader.dataset)
        return cfg

    return read


def write_split(root: Path, dataset: Config) -> None:
    """Two images with three segments each: two of a thing, one of stuff."""
    metainfo = resolve_metainfo(dataset.metainfo)
    thing = metainfo['thing_ids'][0]
    stuff = next(index for index in range(len(metainfo['classes'])) if index not in metainfo['thing_ids'])
    labels = {1: thing, 70000: thing, 300: stuff}
    content = {
        'categories': [
            {'id': 10 + index, 'name': name, 'isthing': int(index in metainfo['thing_ids'])}
            for index, name in enumerate(metainfo['classes'])
        ],
        'images': [],
        'annotations': [],
    }
    images, maps = (root / dataset.data_prefix[key] for key in ('img', 'seg'))
    for folder in (images, maps, (root / dataset.ann_file).parent):
        folder.mkdir(parents=True, exist_ok=True)
    for number in (1, 2):
        ids = np.full(SIZE[::-1], 300)
        ids[5:30, 8:40] = 1
        ids[20:60, 50:90] = 70000
        colors = np.stack((ids // 65536, ids // 256 % 256, ids % 256), axis=-1).astype(np.uint8)  # BGR, as cv2 writes
        cv2.imwrite(str(maps / f'{number}.png'), colors)
        cv2.imwrite(str(images / f'{number}.jpg'), (ids[..., None] // [1, 2, 3] % 256).astype(np.uint8))
        segments = [{'id': id_, 'category_id': 10 + label, 'iscrowd': 0} for id_, label in labels.items()]
        width, height = SIZE
        content['images'].append({'id': number, 'file_name': f'{number}.jpg', 'width': width, 'height': height})
        content['annotations'].append({'image_id': number, 'file_name': f'{number}.png', 'segments_info': segments})
    (root / dataset.ann_file).write_text(json.dumps(content))


@pytest.mark.parametrize('name', IMAGES)
def test_image_sizes(name, load):
    short_side, train_size, test_size, tta_sides = IMAGES[name]
    cfg = load(name)
    train_set = cfg.train_dataloader.dataset
    set_random_state(1)  # a scale of training at which the image is as large as the crop
    for dataset, size in ((train_set, train_size), (cfg.test_dataloader.dataset, test_size)):
        assert DATASETS.build(dataset)[0]['inputs'].shape == (3, *size)
    if short_side:
        resize = next(step for step in train_set.pipeline if step.type == 'RandomChoiceResize')
        assert resize.scales == [(4 * short_side, int(tenths * 0.1 * short_side)) for tenths in range(5, 21)]
    assert ('tta_pipeline' in cfg) == bool(tta_sides)
    if tta_sides:
        check_views(cfg, tta_sides)


def check_views(cfg: Config, sides: tuple[int, ...]) -> None:
    views = DATASETS.build(cfg.test_dataloader.dataset | dict(pipeline=cfg.tta_pipeline))[0]
    assert [min(image.shape[1:]) for image in views['inputs']] == [side for side in sides for _ in 'sf']
    assert [sample.flip for sample in views['data_samples']] == [False, True] * len(sides)
    for straight, flipped in zip(views['inputs'][::2], views['inputs'][1::2], strict=True):
        assert torch.equal(straight.flip(-1), flipped)
    for sample in views['data_samples']:
        assert sample.gt_sem_seg.sem_seg.shape == (1, *SIZE[::-1])


def shrink(cfg: Config) -> None:
    """Make images and batches small, and run on a CPU; nothing else changes."""
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        for step in loader.dataset.pipeline:
            if 'scales' in step:
                step.scales = [(256, 64), (256, 80)]
            for key in {'scale', 'crop_size', 'size'} & set(step):
                step[key] = (96, 64)
        loader.batch_size = min(2, loader.batch_size)
        loader.update(num_workers=0, persistent_workers=False)
    cfg.train_cfg.update(max_iters=1, val_interval=1)
    cfg.optim_wrapper.type = 'OptimWrapper'
    cfg.model.backbone.init_cfg = cfg.load_from = None
    if 'pretrained' in cfg.model.backbone:
        cfg.model.backbone.pretrained = False
    cfg.default_hooks.checkpoint = None  # writes nothing; without the key it would


@pytest.mark.parametrize('name', STEPS)
def test_a_step_and_a_prediction(name, load, tmp_path, monkeypatch):
    monkeypatch.setattr('mmoneformer.evaluation.cityscapes_ap.find_spec', lambda _: None)  # reads files of gtFine
    cfg = load(name)
    shrink(cfg)
    cfg.test_dataloader = cfg.val_dataloader
    cfg.work_dir = str(tmp_path / 'work')
    runner = Runner.from_cfg(cfg)
    before = {key: parameter.detach().clone() for key, parameter in list(runner.model.named_parameters())[-8:]}
    runner.train()
    assert any(
        not torch.equal(parameter, before[key]) for key, parameter in runner.model.named_parameters() if key in before
    )
    scalars = runner.message_hub.log_scalars
    assert np.isfinite(scalars['train/loss'].current())
    keys = {
        'PanopticQuality': 'val/PQ',
        'ThingInstanceAP': 'val/AP',
        'CityscapesAP': 'val/AP_coco_style',
        'SemanticIoU': 'val/mIoU',
    }
    assert {keys[metric.type] for metric in cfg.val_evaluator} <= scalars.keys()
