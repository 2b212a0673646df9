"""A model that is small enough to train in a test, and what it is trained on."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from mmdet.structures import DetDataSample
from torch import nn

from mmoneformer.models.layers.attention import MultiHeadAttention
from mmoneformer.models.ops import attention, checkpointing, deformable_sampling, dispatch, dropout
from mmoneformer.registry import MODELS
from mmoneformer.structures import TargetMasks, Targets

CLASSES = ('cat', 'sky', 'dog', 'sea', 'cow')
THING_IDS = (0, 2, 4)


def model_config(*, channels: int = 32, num_queries: int = 12, **arguments: Any) -> dict[str, Any]:
    defaults = dict(
        type='OneFormer',
        backbone=dict(type='mmdet.ResNet', depth=18, base_channels=8, stem_channels=8),
        metainfo=dict(classes=CLASSES, thing_ids=THING_IDS),
        panoptic_head=dict(
            type='OneFormerHead',
            num_queries=num_queries,
            channels=channels,
            pixel_decoder=dict(type='MSDeformAttnPixelDecoder', num_layers=1, feedforward_channels=16, dropout=0.0),
            query_initializer=dict(num_layers=1, feedforward_channels=16, dropout=0.0),
            masked_decoder=dict(num_layers=2, feedforward_channels=16),
            text_mapper=dict(
                type='TextMapper', encoder=dict(type='TextEncoder', width=64, num_layers=1), num_context=4
            ),
            set_loss=dict(type='MaskSetLoss', num_points=64),
        ),
    )
    return defaults | arguments


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def build_model() -> Callable[..., Any]:
    return lambda **arguments: MODELS.build(model_config(**arguments))


@pytest.fixture
def plain_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operators in the forms for devices without kernels of ours."""
    for module in (attention, checkpointing, deformable_sampling, dispatch, dropout):
        monkeypatch.setattr(module, 'runs_on', lambda *_: False)


@pytest.fixture
def train_batch() -> dict[str, Any]:
    """Two images of 45 x 60 in an input of 64 x 96: a cat, sky and a dog (panoptic), and two cows (instance)."""
    id_map = torch.zeros(45, 60, dtype=torch.uint8)
    id_map[:, 30:] = 2
    id_map[5:25, 8:40] = 1
    id_map[30:, :20] = 3
    cows = torch.zeros(45, 60, dtype=torch.uint8)
    cows[10:30, 5:25] = 1
    cows[20:44, 33:59] = 2
    targets = (
        ('panoptic', (0, 1, 2), id_map),
        ('instance', (4, 4), cows),
    )
    samples = []
    for task, labels, ids in targets:
        texts = [f'a photo with a {CLASSES[label]}' for label in labels]
        sample = DetDataSample()
        sample.targets = Targets(task, texts, torch.tensor(labels), TargetMasks(ids, len(labels)))
        samples.append(sample)
    return dict(inputs=torch.randn(2, 3, 64, 96), data_samples=samples)


@pytest.fixture
def as_torch_attention() -> Callable[[MultiHeadAttention], nn.MultiheadAttention]:
    """Torch's own attention with the weights of ours: inputs [B, L, C], a mask is true where nothing is seen."""

    def convert(ours: MultiHeadAttention) -> nn.MultiheadAttention:
        theirs = nn.MultiheadAttention(ours.out_proj.in_features, ours.num_heads, batch_first=True)
        theirs.load_state_dict(
            {key.replace('in_proj.', 'in_proj_'): tensor for key, tensor in ours.state_dict().items()}
        )
        return theirs.eval()

    return convert
