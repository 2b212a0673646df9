"""The same results as torch's post-processing, on the logits of the authors' models and on smooth random ones."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mmoneformer.models.masks.geometry import MaskGeometry as TorchGeometry
from mmoneformer.models.post_process import Thresholds as TorchThresholds
from mmoneformer.models.post_process import find_instances as torch_instances
from mmoneformer.models.post_process import panoptic_map as torch_panoptic
from mmoneformer.models.post_process import semantic_map as torch_semantic
from mmoneformer.structures.panoptic_ids import panoptic_label
from mmoneformer_deploy.mask_tiles import MaskGeometry
from mmoneformer_deploy.post_process import Thresholds, find_instances, panoptic_map, semantic_map
from mmoneformer_deploy.run_lengths import decode_mask

DATA = Path(__file__).parents[1] / 'data'
TASKS = ('panoptic', 'instance', 'semantic')
CASES = {
    f'{name}-{image}': (name, image)
    for name in ('swin_small', 'r50_small', 'convnext_small', 'dinat_small')
    for image in (0, 1)
}


def fixture_case(name, image):
    """Logits by task, sizes and things of one of the authors' models."""
    stored = np.load(DATA / f'{name}_infer.npz')
    config = json.loads(str(stored['config_json']))
    parts = ('pred_logits', 'pred_masks')
    logits = {task: [stored[f'{task}/{part}'][image].astype(np.float32) for part in parts] for task in TASKS}
    geometry = ((128, 160), *(tuple(config[key][image]) for key in ('in_sizes', 'out_sizes')))
    is_thing = np.isin(np.arange(len(config['class_names'])), config['thing_contiguous_ids'])
    return logits, geometry, is_thing


def smooth_case():
    """Round masks of 40 queries, most of which are sure, at a large size."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:46, :80].astype(np.float32)
    centers, radii = rng.random((40, 2, 1, 1)) * [[[46]], [[80]]], rng.uniform(4, 25, (40, 1, 1))
    masks = radii - np.hypot(rows - centers[:, 0], columns - centers[:, 1])
    classes = rng.standard_normal((40, 10)).astype(np.float32)
    classes[np.arange(30), rng.integers(0, 9, 30)] += 7
    geometry = ((184, 320), (180, 320), (405, 720))
    return dict.fromkeys(TASKS, [classes, masks.astype(np.float32)]), geometry, np.arange(9) % 2 == 0


@pytest.fixture(scope='module', params=[*CASES, 'smooth'])
def case(request):
    return smooth_case() if request.param == 'smooth' else fixture_case(*CASES[request.param])


def tensors(arrays):
    return [torch.from_numpy(array) for array in arrays]


@pytest.mark.parametrize('thresholds', [(0.8, 0.8), (0.1, 0.5)])
def test_panoptic(case, thresholds):
    logits, geometry, is_thing = case
    found = panoptic_map(
        *logits['panoptic'], MaskGeometry(*geometry), is_thing=is_thing, thresholds=Thresholds(*thresholds)
    )
    expected = torch_panoptic(
        *tensors(logits['panoptic']),
        TorchGeometry(*geometry),
        is_thing=torch.from_numpy(is_thing),
        thresholds=TorchThresholds(*thresholds),
    )
    np.testing.assert_array_equal(found.labels, panoptic_label(expected.ids))
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
    numbers = torch.zeros(int(expected.pixels.max()) + 1, dtype=torch.int)
    numbers[expected.ids] = torch.arange(1, len(expected.ids) + 1, dtype=torch.int)
    assert (found.id_map == numbers[expected.pixels].numpy()).mean() >= 0.9999
    assert found.id_map.dtype == np.int32


def test_semantic(case):
    logits, geometry, _ = case
    found = semantic_map(*logits['semantic'], MaskGeometry(*geometry))
    expected = torch_semantic(*tensors(logits['semantic']), TorchGeometry(*geometry))
    assert (found == expected.numpy()).mean() >= 0.9999
    assert found.dtype == np.uint8


def test_classes_far_from_all_masks():
    """All scores are about 1e-11 there; their order is that of the masks nevertheless."""
    class_logits = np.array([[0, 3, 0], [3, 0, 0]], np.float32)
    columns = np.tile(np.linspace(-30, -22, 40, dtype=np.float32), (24, 1))
    size = (96, 160)
    found = semantic_map(class_logits, np.stack([columns, columns[:, ::-1]]), MaskGeometry(size, size, size))
    assert (found[:, :79] == 0).all()
    assert (found[:, 81:] == 1).all()


@pytest.mark.parametrize('max_per_image', [20, 1000])
def test_instances(case, max_per_image):
    logits, geometry, is_thing = case
    found = find_instances(
        *logits['instance'], MaskGeometry(*geometry), is_thing=is_thing, max_per_image=max_per_image
    )
    expected = torch_instances(
        *tensors(logits['instance']),
        TorchGeometry(*geometry),
        is_thing=torch.from_numpy(is_thing),
        max_per_image=max_per_image,
    )
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
    np.testing.assert_array_equal(found.boxes, expected.bboxes)
    masks = np.stack([decode_mask(mask) for mask in found.masks])
    assert (masks == expected.masks.numpy()).mean() >= 0.9999
    assert masks.any()
