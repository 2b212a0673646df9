"""mmdet's functions, and mmengine's runner, on our config and checkpoint."""

import json

import cv2
import mmdet.apis
import numpy as np
import pytest
import torch
from mmengine.runner import Runner

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.checkpoints.safe_load import allow_mmengine_globals


class Trap:
    """A pickle that would make a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return __import__('os').mkdir, (str(self.path),)


@pytest.fixture(autouse=True)
def _weights_only(monkeypatch):
    """mmengine asks torch for more than weights; this is how a user makes it ask for less."""
    monkeypatch.setenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', '1')
    allow_mmengine_globals()


@pytest.fixture
def image_file(tmp_path):
    path = tmp_path / 'x.png'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))
    return str(path)


@pytest.fixture
def data(tmp_path, image_file):
    """An annotation that calls the whole image sky, and the dataset of it."""
    cv2.imwrite(str(tmp_path / 'ids.png'), np.full((40, 60, 3), (0, 0, 1), np.uint8))
    segment = {'id': 1, 'category_id': 0, 'iscrowd': 0, 'area': 2400, 'bbox': [0, 0, 60, 40]}
    content = {
        'images': [{'id': 1, 'file_name': 'x.png', 'height': 40, 'width': 60}],
        'annotations': [{'image_id': 1, 'file_name': 'ids.png', 'segments_info': [segment]}],
        'categories': [
            {'id': index, 'name': name, 'isthing': int(index in (1, 3))}
            for index, name in enumerate(('sky', 'cat', 'road', 'car'))
        ],
    }
    (tmp_path / 'panoptic.json').write_text(json.dumps(content))
    return dict(data_root=str(tmp_path), ann_file='panoptic.json', data_prefix=dict(img='', seg=''), test_mode=True)


@pytest.fixture
def config(config, data):
    """As a user's: it names data, from which mmdet takes the palette, and a visualizer."""
    dataset = dict(data, metainfo=config.model.metainfo, pipeline=config.test_pipeline)
    config.test_dataloader.dataset.update(dataset)
    config.visualizer = dict(type='OneFormerVisualizer')
    return config


@pytest.fixture
def expected(checkpoint_file, image_file):
    """Of our own inferencer."""
    inferencer = OneFormerInferencer(weights=checkpoint_file, device='cpu')
    (sample,) = inferencer(image_file, return_datasamples=True)['predictions']
    return sample


def check(sample, expected):
    assert torch.equal(sample.pred_panoptic_seg.sem_seg.cpu(), expected.pred_panoptic_seg.sem_seg)
    assert torch.equal(sample.pred_instances.masks.cpu(), expected.pred_instances.masks)
    torch.testing.assert_close(sample.pred_instances.scores.cpu(), expected.pred_instances.scores)


@pytest.mark.parametrize('as_array', [False, True])
def test_inference_detector(config, checkpoint_file, image_file, expected, as_array):
    model = mmdet.apis.init_detector(config, str(checkpoint_file), device='cpu')
    image = cv2.imread(image_file) if as_array else image_file
    check(mmdet.apis.inference_detector(model, image), expected)
    first, second = mmdet.apis.inference_detector(model, [image, image])
    check(first, expected)
    check(second, expected)


def test_det_inferencer(config, checkpoint_file, image_file, expected):
    inferencer = mmdet.apis.DetInferencer(
        config, str(checkpoint_file), device='cpu', scope='mmoneformer', show_progress=False
    )
    (sample,) = inferencer(image_file, return_datasamples=True)['predictions']
    check(sample, expected)


def test_det_inferencer_draws(config, checkpoint_file, image_file, tmp_path):
    inferencer = mmdet.apis.DetInferencer(
        config, str(checkpoint_file), device='cpu', scope='mmoneformer', show_progress=False
    )
    inferencer(image_file, return_datasamples=True, out_dir=str(tmp_path / 'out'))
    assert cv2.imread(str(tmp_path / 'out/vis/x.png')).shape[1] > 2000, 'the image and three results'


def test_mmdet_refuses_a_checkpoint_that_runs_code(config, trained, tmp_path):
    torch.save(trained[1] | {'trap': Trap(tmp_path / 'was_here')}, tmp_path / 'x.pth')
    with pytest.raises(Exception, match='[Ww]eights.only'):
        mmdet.apis.init_detector(config, str(tmp_path / 'x.pth'), device='cpu')
    assert not (tmp_path / 'was_here').exists()


def expected_quality(sample):
    """PQ where everything is sky: its IoU if more than half, and 0 for each other class that is predicted."""
    panoptic = sample.pred_panoptic_seg.sem_seg[0]
    sky = (panoptic == 1000).float().mean().item()
    classes = {0} | {value % 1000 for value in panoptic.unique().tolist() if value != 4}
    return 100 * (sky if sky > 0.5 else 0) / len(classes)


def test_runner_test(config, checkpoint_file, expected, tmp_path):
    """mmengine's own way, without our tools; the weights are those of the checkpoint."""
    config.merge_from_dict(
        dict(
            test_cfg=dict(type='TestLoop'),
            test_dataloader=dict(batch_size=1, sampler=dict(type='DefaultSampler', shuffle=False)),
            test_evaluator=dict(type='PanopticQuality'),
            work_dir=str(tmp_path / 'work'),
            load_from=str(checkpoint_file),
            experiment_name=tmp_path.name,
        )
    )
    metrics = Runner.from_cfg(config).test()
    assert metrics['PQ'] == pytest.approx(expected_quality(expected), abs=1e-6)
