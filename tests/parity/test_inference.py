"""Predictions and results equal those of the authors' code."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.masks.tiles import MaskTiles
from mmoneformer.models.post_process import semantic_scores
from mmoneformer.structures.panoptic_ids import encode_panoptic
from mmoneformer.tasks import TASKS

TASK_NAMES = list(TASKS)


@pytest.fixture(scope='session')
def logits(reference):
    return reference.logits()


@pytest.fixture(scope='session')
def results(reference):
    return reference.results()


def test_classes_and_settings(reference):
    config, model = reference.config, reference.model
    assert list(model.dataset_meta['classes']) == config['class_names']
    assert list(model.dataset_meta['thing_ids']) == config['thing_contiguous_ids']
    settings = ('object_mask_threshold', 'overlap_threshold', 'detections_per_image')
    assert dataclasses.astuple(model.test_cfg)[:3] == tuple(config[key] for key in settings)


@pytest.mark.parametrize('task', TASK_NAMES)
def test_logits(reference, logits, parity, task):
    class_logits, mask_logits = logits[task]
    parity.check(reference.name, 'class logits', class_logits - reference.tensor(f'{task}/pred_logits'), 1e-3)
    parity.check(reference.name, 'mask logits', mask_logits - reference.tensor(f'{task}/pred_masks'), 1e-3)


@torch.no_grad()
def test_features_and_all_layers(reference, parity):
    features = reference.model.backbone(reference.inputs)
    for stage, feature in enumerate(features, start=2):
        torch.testing.assert_close(
            feature.cpu(), reference.tensor(f'features/res{stage}').float(), atol=5e-3, rtol=2e-3
        )
    output = reference.model.panoptic_head(features, [TASK_NAMES] * 2)
    expected = reference.tensor('features/mask_features').float()
    torch.testing.assert_close(output.mask_features.cpu(), expected, atol=5e-3, rtol=2e-3)
    for index, task in enumerate(TASK_NAMES):
        queries = output.initial_queries[:, index].cpu()
        parity.check(reference.name, 'initial queries', queries - reference.tensor(f'{task}/contrastive_logits'), 1e-4)
        layers = torch.stack([layer.class_logits[:, index] for layer in output.predictions[:-1]])
        torch.testing.assert_close(layers.cpu(), reference.tensor(f'{task}/aux_pred_logits'), atol=1e-3, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize('task', TASK_NAMES)
def test_task_token(reference, task):
    token = reference.model.panoptic_head.task_token([task]).cpu()
    expected = reference.tensor(f'{task}/task_embed')[:1]  # before the norm: sums of ids up to 49407
    torch.testing.assert_close(token, expected, atol=1e-6 * expected.abs().max(), rtol=0)


@pytest.mark.parametrize('task', TASK_NAMES)
@pytest.mark.parametrize('image', [0, 1])
def test_semantic_scores(reference, logits, task, image):
    class_logits, mask_logits = (part[image] for part in logits[task])
    geometry = MaskGeometry((128, 160), *(tuple(reference.config[key][image]) for key in ('in_sizes', 'out_sizes')))
    scores = torch.empty(class_logits.shape[1] - 1, *geometry.original)
    for _, (rows, columns), _, masks in MaskTiles(mask_logits, geometry).read_all():
        scores[:, rows, columns] = semantic_scores(class_logits, masks)
    expected = reference.tensor(f'{task}/{image}/sem_seg_sub6').float()
    torch.testing.assert_close(scores[:, ::6, ::6], expected, atol=2e-3, rtol=2e-3)  # stored in float16
    labels = reference.tensor(f'{task}/{image}/sem_seg_argmax').long()
    two_best = scores.topk(2, dim=0).values
    decided = two_best[0] - two_best[1] > 1e-4
    assert decided.float().mean() > 0.97
    assert torch.equal(scores.argmax(0)[decided], labels[decided])


@pytest.mark.parametrize('image', [0, 1])
def test_semantic_result(reference, results, parity, image):
    result = results[image].pred_sem_seg
    differs = result.sem_seg[0] != reference.tensor(f'semantic/{image}/sem_seg_argmax').long()
    parity.check(reference.name, 'share of semantic pixels', differs.float().mean(), 1e-3)


@pytest.mark.parametrize('image', [0, 1])
def test_panoptic_result(reference, results, parity, image):
    """The same map; segments count from 1 in the order of the queries there, are label + 1000 * instance here."""
    segments = json.loads(str(reference.infer[f'panoptic/{image}/segments_info_json']))
    expected_ids = reference.tensor(f'panoptic/{image}/panoptic_seg').long()
    expected = torch.full(expected_ids.shape, len(reference.config['class_names']))
    instances = 0
    for segment in segments:
        instances += segment['isthing']
        encoded = encode_panoptic(segment['category_id'], instances * segment['isthing'])
        expected[expected_ids == segment['id']] = encoded
    assert segments
    differs = results[image].pred_panoptic_seg.sem_seg[0] != expected
    parity.check(reference.name, 'share of panoptic pixels', differs.float().mean(), 0)


@pytest.mark.parametrize('image', [0, 1])
def test_instance_result(reference, results, parity, image):
    """The same instances, in no order: equal classes, close scores, masks that differ in at most 5 pixels."""
    prefix = f'instance/{image}'
    shape = tuple(reference.infer[f'{prefix}/inst_shape'])
    packed = reference.infer[f'{prefix}/inst_masks_packed']
    masks = np.unpackbits(packed, axis=-1)[:, : shape[1] * shape[2]].reshape(shape).astype(bool)
    labels = reference.infer[f'{prefix}/inst_classes'].astype(int)
    if reference.config['dataset'].startswith('ade20k'):  # there, indices into the things
        labels = np.array(reference.config['thing_contiguous_ids'])[labels]
    expected = sorted(zip(labels, reference.infer[f'{prefix}/inst_scores'], masks, strict=True), key=lambda i: i[:2])
    found = results[image].pred_instances
    ours = sorted(
        zip(found.labels.tolist(), found.scores.tolist(), found.masks.numpy(), strict=True), key=lambda i: i[:2]
    )
    assert [label for label, *_ in ours] == [label for label, *_ in expected]
    for (_, score, mask), (_, expected_score, expected_mask) in zip(ours, expected, strict=True):
        parity.check(reference.name, 'instance scores', score - expected_score, 1e-4)
        parity.check(reference.name, 'pixels of a mask', (mask != expected_mask).sum(), 5)
