"""Exported files of the authors' models give the logits of the models."""

from copy import deepcopy
from itertools import combinations, product

import numpy as np
import pytest
import torch

from mmoneformer.export.description import describe
from mmoneformer.export.network import ExportedNetwork, trace
from mmoneformer.export.onnx_format import write_onnx
from mmoneformer.export.verification import predict, scene_images
from mmoneformer.tasks import TASKS
from mmoneformer_deploy.runtimes import open_network

SIZES = ((64, 96), (160, 128), (224, 256))
TOLERANCE = 1e-3
ROUNDING = 2e-7  # relative, of a weight: between one and two units in the last place of float32
SUBSETS = [subset for count in (1, 2, 3) for subset in combinations(TASKS, count)]


@pytest.fixture(scope='module')
def network(reference, tmp_path_factory):
    if reference.model.backbone.__class__.__name__ == 'DiNAT':
        with pytest.raises(ValueError, match='DiNAT cannot be exported: torch cannot record it for all sizes'):
            trace(ExportedNetwork(reference.model))
        pytest.skip('DiNAT is refused')
    path = tmp_path_factory.mktemp(reference.name) / 'model.onnx'
    write_onnx(trace(ExportedNetwork(reference.model)), path, describe(reference.model))
    return open_network(path)


@pytest.fixture(scope='module')
def disturbed(reference):
    """The model with weights that are rounded otherwise: what changes then is not determined by float32."""
    models = [deepcopy(reference.model) for _ in range(8)]
    for seed, model in enumerate(models):
        generator = torch.Generator().manual_seed(seed)
        for parameter in model.parameters():
            parameter.data.mul_(1 + ROUNDING * torch.randn(parameter.shape, generator=generator))
    return models


def largest_differences(found, expected):
    """Of classes and masks together, for each image and task, [B, T]."""
    parts = zip(found, expected, strict=True)
    return np.max([np.abs(ours - np.asarray(theirs)).max(axis=(2, 3)) for ours, theirs in parts], axis=0)


def masks_as_rows(logits):
    """Class logits [B, T, Q, K + 1] as they are, mask logits as [B, T, Q, h * w]."""
    return [np.asarray(part).reshape(*part.shape[:3], -1) for part in logits]


@pytest.mark.slow
@torch.no_grad()
def test_logits_for_each_subset_of_the_tasks(reference, network, disturbed):
    """Where a mask logit is zero but for rounding, a query looks at a pixel or not: torch's own logits jump there."""
    exact = []
    for size, batch in product(SIZES, (1, 2)):
        images = scene_images(size, batch)
        for subset in SUBSETS:
            expected = masks_as_rows(predict(reference.model, images, subset))
            found = masks_as_rows(network(images.numpy(), np.array([list(TASKS).index(task) for task in subset])))
            differences = largest_differences(found, expected)
            exact += (differences < TOLERANCE).flatten().tolist()
            if differences.max() >= TOLERANCE:
                own = (masks_as_rows(predict(model, images, subset)) for model in disturbed)
                jumps = np.max([largest_differences(logits, expected) for logits in own], axis=0)
                assert (differences < np.maximum(TOLERANCE, 1.5 * jumps)).all(), (size, subset, differences, jumps)
    assert np.mean(exact) > 0.9
