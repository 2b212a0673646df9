"""How often a GPU is waited for, counted on the CPU: operators whose result the host needs before it can go on.

On a CUDA device, test_cuda.py counts all that waits, also copies from the host.
"""

import traceback
from pathlib import Path

import pytest
import torch
from mmdet.structures import DetDataSample
from torch.utils._python_dispatch import TorchDispatchMode

from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.task_results import POST_PROCESS, ImageLogits
from mmoneformer.tasks import TASKS

WAITING = {
    '_local_scalar_dense',  # item(), int(), bool(), tolist()
    '_unique2',
    'bincount',
    'lift_fresh',  # torch.tensor([...]), new_tensor, indices in lists: copied from the host
    'masked_select',
    'nonzero',
}
BACKBONES = [
    dict(type='mmdet.ResNet', depth=18, stem_channels=8, base_channels=8),
    dict(type='SwinTransformer', embed_dims=8, depths=(2, 1, 1, 1), num_heads=(1, 1, 2, 2), window_size=3),
    dict(type='ConvNeXt', depths=(1, 1, 1, 1), channels=(8, 16, 32, 64)),
    dict(type='DiNAT', embed_dims=8, num_heads=(1, 1, 2, 2), dilations=((1, 2), (1,), (1,), (1,)), kernel_size=3),
]


class Waits(TorchDispatchMode):
    """Lists the files of the package in which something waits."""

    def __init__(self):
        super().__init__()
        self.files = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        by_mask = name in ('index', 'index_put', 'index_put_') and any(
            index is not None and index.dtype == torch.bool for index in args[1]
        )
        if name in WAITING or by_mask or (name == 'repeat_interleave' and not (kwargs or {}).get('output_size')):
            own = [frame for frame in traceback.extract_stack() if 'mmoneformer' in Path(frame.filename).parts[-4:]]
            self.files.append(f'{Path(own[-1].filename).name} {name}')
        return func(*args, **(kwargs or {}))


@pytest.fixture
def waits(plain_forms):
    """Counts with the forms for devices without kernels of ours."""
    return Waits()


@torch.no_grad()
@pytest.mark.parametrize('backbone', BACKBONES, ids=lambda config: config['type'])
def test_the_network_never_waits(build_model, waits, backbone):
    model, images = build_model(backbone=backbone).eval(), torch.randn(2, 3, 64, 96)
    with waits:
        model(images, mode='tensor', tasks=tuple(TASKS))
    assert waits.files == []


def test_a_training_step_waits_for_the_matching_alone(build_model, train_batch, waits):
    """Texts and matches are made on the host, where nothing waits."""
    model = build_model().train()
    with waits:
        sum(model(**train_batch, mode='loss').values()).backward()
    found = {file.split()[0] for file in waits.files}
    assert found == {'matcher.py', 'text_encoder.py', 'text_mapper.py', 'tokenizer.py'}


@torch.no_grad()
@pytest.mark.parametrize(
    ('task', 'expected'),
    [
        ('semantic', ['tiles.py nonzero', 'tiles.py nonzero']),  # classes and queries of each tile
        (
            'instance',
            [
                'post_process.py nonzero',  # the things
                'post_process.py _unique2',
                'tiles.py nonzero',
                'tiles.py nonzero',  # the instances in their order
            ],
        ),
        (
            'panoptic',
            [
                'post_process.py nonzero',  # the queries that are sure
                'tiles.py nonzero',
                'post_process.py bincount',
                'post_process.py nonzero',  # the segments
                'post_process.py _unique2',
            ],
        ),
    ],
)
def test_post_processing_waits_as_often_for_a_large_image(build_model, waits, task, expected):
    """Not once per segment or tile; the indices of the tiles are kept for images of the same size."""
    model, images = build_model().eval(), torch.randn(1, 3, 64, 96)
    output = model.panoptic_head(model.backbone(images), [[task]])
    class_logits = torch.full((12, 6), -9.0)
    class_logits[torch.arange(12), torch.arange(12) % 5] = 9  # all queries are sure
    sample = DetDataSample()
    logits = ImageLogits(class_logits, output.of_task(0)[1][0], MaskGeometry((64, 96), (64, 96), (700, 1000)))
    for _ in range(2):
        waits.files.clear()
        with waits:
            POST_PROCESS[task](sample, logits, model.is_thing, model.test_cfg)
    assert waits.files == expected
