"""The inferencer on a CUDA device gives what it gives on the CPU."""

import asyncio

import numpy as np
import pytest
import torch

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.apis.device import resolve_device

pytestmark = pytest.mark.gpu


@pytest.fixture(scope='module')
def inferencers(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'tiny.pth'
    torch.save(trained[1], path)
    return {device: OneFormerInferencer(weights=path, device=device) for device in ('cpu', 'cuda')}


@pytest.fixture
def pictures():
    """Of three sizes, two of which need the same padding."""
    generator = np.random.default_rng(0)
    return [generator.integers(0, 256, (*size, 3), np.uint8) for size in ((40, 60), (64, 48), (42, 60), (40, 60))]


def test_is_the_default():
    assert resolve_device('auto').type == 'cuda'


@pytest.mark.parametrize('batch_size', [1, 4])
def test_predictions_equal_those_of_the_cpu(inferencers, pictures, batch_size, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, 'allow_tf32', False)
    expected, found = (inferencers[device](pictures, batch_size=batch_size) for device in ('cpu', 'cuda'))
    for ours, theirs in zip(found['predictions'], expected['predictions'], strict=True):
        assert (ours['panoptic']['id_map'] == theirs['panoptic']['id_map']).mean() > 0.99
        assert (ours['semantic']['label_map'] == theirs['semantic']['label_map']).mean() > 0.99
        np.testing.assert_allclose(ours['instance']['scores'], theirs['instance']['scores'], atol=1e-4)


@pytest.mark.parametrize('precision', ['bfloat16', 'float16'])
def test_half_precision(inferencers, pictures, trained, tmp_path, precision):
    torch.save(trained[1], tmp_path / 'tiny.pth')
    half = OneFormerInferencer(weights=tmp_path / 'tiny.pth', device='cuda', precision=precision)
    for ours, theirs in zip(half(pictures)['predictions'], inferencers['cuda'](pictures)['predictions'], strict=True):
        assert ours['semantic']['label_map'].shape == theirs['semantic']['label_map'].shape
        np.testing.assert_allclose(ours['instance']['scores'], theirs['instance']['scores'], atol=0.02)


def test_model_of_the_web_page(inferencers, pictures, tmp_path):
    from mmoneformer.web.model_queue import ModelQueue

    queue = ModelQueue({'tiny': inferencers['cuda']})
    answer = asyncio.run(queue.predict('tiny', pictures[0], ('panoptic', 'instance', 'semantic'), tmp_path, 'photo'))
    assert [view.task for view in answer.views] == ['panoptic', 'instance', 'semantic']
    assert all(file.stat().st_size for file in answer.files)


def test_memory_of_prediction_is_flat(inferencers, pictures):
    history = []
    for _ in range(50):
        inferencers['cuda'](pictures)
        history.append(torch.cuda.memory_allocated())
    assert max(history[25:]) <= max(history[5:25])
