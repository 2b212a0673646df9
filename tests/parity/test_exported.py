"""Exported files of the authors' models give the logits of the models."""

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


@pytest.mark.slow
@torch.no_grad()
def test_logits_for_each_subset_of_the_tasks(reference, network):
    equal = []
    for size, batch in product(SIZES, (1, 2)):
        images = scene_images(size, batch)
        for subset in SUBSETS:
            found = network(images.numpy(), np.array([list(TASKS).index(task) for task in subset]))
            for ours, theirs in zip(found, predict(reference.model, images, subset), strict=True):
                difference = np.abs(ours - theirs.numpy())
                equal += (difference.max(tuple(range(2, difference.ndim))) < 1e-3).flatten().tolist()
    assert np.mean(equal) > 0.95  # where a logit is zero but for rounding, a query may look at a pixel or not
