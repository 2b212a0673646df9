"""Losses and gradients equal those of the authors' code."""

import json

import numpy as np
import pytest
import torch

from mmoneformer.checkpoints.official import rename_official
from mmoneformer.models.losses.matcher import Matches
from mmoneformer.structures import TargetMasks, Targets

PARTS = {'ce': 'loss_cls', 'mask': 'loss_mask', 'dice': 'loss_dice'}
RUNS = ('semantic', 'instance', 'panoptic', 'mixed')
PADDED = (128, 160)
# Rounding may tip a point of an attention mask over its threshold of 0.5, and so it does on some processors: inputs
# disturbed by 1e-7 move the gradient norms of DiNAT's semantic run by 0.35 %.
GRADIENT_BOUND = 5e-3


def batch(reference, run):
    """Targets of the two images; their texts are padded already."""
    tasks = json.loads(str(reference.train['runs_json']))[run]
    targets = []
    for image, task in enumerate(tasks):
        prefix = f'gt{image}/{task}'
        shape = tuple(reference.train[f'{prefix}/masks_shape'])
        bits = np.unpackbits(reference.train[f'{prefix}/masks_packed'], axis=-1)[:, : shape[1] * shape[2]]
        dense = torch.from_numpy(bits.reshape(shape)).long()
        target_ids = torch.arange(1, shape[0] + 1)[:, None, None]
        masks = TargetMasks((dense * target_ids).sum(0), shape[0])
        labels = reference.tensor(f'{prefix}/labels').long()
        texts = json.loads(str(reference.train[f'{prefix}/texts_json']))
        targets.append(Targets(task, texts, labels, masks).to(reference.inputs.device))
    return targets


def unweighted(reference, ours):
    """Losses under the authors' names, without their weights."""
    weights = json.loads(str(reference.train['loss_weight_json']))
    named = {}
    for part, name in PARTS.items():
        for key, value in ours.items():
            if key.endswith(name):
                layer = f'_{key[1 : key.index(".")]}' if '.' in key else ''
                named[f'loss_{part}{layer}'] = value.item() / weights[f'loss_{part}']
    named['loss_contrastive'] = ours['loss_contrastive'].item() / weights['loss_contrastive']
    return named


@torch.no_grad()
@pytest.mark.parametrize('run', RUNS)
def test_class_loss_of_the_same_assignment(reference, run):
    """Their assignments of seed 0: call 0 is the last layer's, call i + 1 is that of layer i."""
    head = reference.model.panoptic_head
    targets = batch(reference, run)
    output = head(reference.model.backbone(reference.inputs), [[image.task] for image in targets])
    class_logits = torch.stack([layer.class_logits.squeeze(1) for layer in output.predictions])
    calls = [*range(1, len(class_logits)), 0]  # in the order of our layers
    matches = []
    for image in (0, 1):
        pairs = [reference.tensor(f'{run}/match_seed0/call{call}/image{image}').long() for call in calls]
        layers = torch.arange(len(calls)).repeat_interleave(pairs[0].shape[1])
        matches.append(Matches(layers, *torch.cat(pairs, dim=1)))
    matches = [Matches(*(part.to(class_logits.device) for part in image)) for image in matches]
    ours = head.set_loss.class_loss(class_logits, targets, matches).cpu()
    names = json.loads(str(reference.train[f'{run}/loss_names_json']))
    expected = dict(zip(names, reference.train[f'{run}/loss_per_seed'][0], strict=True))
    theirs = [expected[f'loss_ce_{call - 1}' if call else 'loss_ce'] for call in calls]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


@pytest.fixture
def points_of_the_cpu(monkeypatch):
    """Random points are those of the CPU's generator, on any device."""
    rand = torch.rand
    monkeypatch.setattr(torch, 'rand', lambda *size, device: rand(*size).to(device))


def layer_by_layer(reference, run):
    """Losses of seed 0, the layers in the authors' order: then the random points are theirs, too."""
    head = reference.model.panoptic_head
    targets = batch(reference, run)
    output = head(reference.model.backbone(reference.inputs), [[image.task] for image in targets])
    *earlier, last = output.predictions
    torch.manual_seed(0)
    losses = head.set_loss([last], output.mask_features, targets, PADDED)
    for index, layer in enumerate(earlier):
        of_layer = head.set_loss([layer], output.mask_features, targets, PADDED)
        losses.update({f'd{index}.{name}': value for name, value in of_layer.items()})
    texts = head.text_mapper([image.texts for image in targets])
    losses['loss_contrastive'] = head.contrastive_loss(output.initial_queries.squeeze(1), texts)
    return losses


@pytest.mark.usefixtures('points_of_the_cpu')
@pytest.mark.parametrize('run', RUNS)
def test_losses_and_gradients_at_the_same_points(reference, parity, run):
    model = reference.model
    model.zero_grad()
    losses = layer_by_layer(reference, run)
    names = json.loads(str(reference.train[f'{run}/loss_names_json']))
    ours = unweighted(reference, losses)
    theirs = reference.train[f'{run}/loss_per_seed'][0]
    relative = np.array([ours[name] for name in names]) / theirs - 1
    parity.check(reference.name, 'losses, relative', relative, 1e-4)

    sum(losses.values()).backward()
    keys = json.loads(str(reference.train[f'{run}/grad_norm_keys']))
    norms = dict(zip(keys, reference.train[f'{run}/grad_norms'], strict=True))
    gradients = {
        name: parameter.grad.norm().item() for name, parameter in model.named_parameters() if parameter.requires_grad
    }
    renamed = rename_official({key: torch.tensor(norm) for key, norm in norms.items()})
    assert renamed.keys() == gradients.keys()
    theirs = torch.stack(list(renamed.values()))
    differences = torch.tensor([gradients[key] for key in renamed]) - theirs
    parity.check(reference.name, 'gradient norms, relative', differences / theirs.clamp(min=0.02), GRADIENT_BOUND)
    model.zero_grad()


@torch.no_grad()
@pytest.mark.usefixtures('points_of_the_cpu')
@pytest.mark.parametrize('run', RUNS)
def test_losses(reference, run):
    """All layers at once, at points of our own: medians over seeds agree within the spread of theirs."""
    names = json.loads(str(reference.train[f'{run}/loss_names_json']))
    theirs, std = (reference.train[f'{run}/{part}'] for part in ('loss_per_seed', 'loss_std'))
    features = reference.model.backbone(reference.inputs)
    targets = batch(reference, run)
    seeds = []
    for seed in range(5):
        torch.manual_seed(seed)
        seeds.append(unweighted(reference, reference.model.panoptic_head.loss(features, targets, PADDED)))
    assert set(seeds[0]) == set(names)
    for index, name in enumerate(names):
        ours, expected = np.median([seed[name] for seed in seeds]), np.median(theirs[:, index])
        tolerance = 1e-5 if name == 'loss_contrastive' else 3 * std[index] + 1e-4 * expected
        assert ours == pytest.approx(expected, abs=tolerance), name


@torch.no_grad()
@pytest.mark.parametrize('run', RUNS)
def test_text_queries(reference, parity, run):
    head = reference.model.panoptic_head
    queries = head.text_mapper([image.texts for image in batch(reference, run)])
    parity.check(reference.name, 'text queries', queries.cpu() - reference.tensor(f'{run}/texts_x'), 1e-4)
