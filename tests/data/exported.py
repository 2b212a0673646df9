"""Writes exported.pth, a small model, and exported.onnx, its exported file: python tests/data/exported.py.

The weights are random, and such that queries, classes and masks differ.
"""

from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config

import mmoneformer  # noqa: F401
from mmoneformer.apis.export import export
from mmoneformer.datasets.shapes.scene import draw_scene
from mmoneformer.registry import MODELS

FOLDER = Path(__file__).parent
CONFIG = dict(
    default_scope='mmoneformer',
    model=dict(
        type='OneFormer',
        data_preprocessor=dict(
            type='mmdet.DetDataPreprocessor',
            mean=[120.0, 110.0, 100.0],
            std=[60.0, 50.0, 40.0],
            bgr_to_rgb=True,
            pad_size_divisor=32,
        ),
        metainfo=dict(classes=('sky', 'cat', 'road', 'car'), thing_ids=(1, 3)),
        backbone=dict(type='ConvNeXt', depths=(1, 1, 1, 1), channels=(8, 8, 16, 16)),
        panoptic_head=dict(
            type='OneFormerHead',
            num_queries=8,
            channels=32,
            pixel_decoder=dict(type='MSDeformAttnPixelDecoder', num_layers=1, feedforward_channels=32),
            query_initializer=dict(num_layers=1, feedforward_channels=32),
            masked_decoder=dict(num_layers=1, feedforward_channels=32),
        ),
        test_cfg=dict(object_mask_thr=0.0, overlap_thr=0.1),
    ),
    test_pipeline=[
        dict(type='LoadImageFromFile'),
        dict(type='mmdet.Resize', scale=(96, 64), keep_ratio=True),
        dict(type='PackOneFormerInputs'),
    ],
)


def make_checkpoint(path: Path) -> None:
    cfg = Config(CONFIG)
    torch.manual_seed(0)
    model = MODELS.build(dict(cfg.model, _scope_='mmoneformer')).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 4 if name.endswith('embed') else 1.5 / parameter[0].numel() ** 0.5)
        head = model.panoptic_head
        scene = torch.from_numpy(draw_scene(np.random.default_rng(0), 128).image[:96, :128]).permute(2, 0, 1)
        inputs = model.data_preprocessor({'inputs': [scene], 'data_samples': None})['inputs']
        for _ in range(2):  # zero mean over the image, and over the queries
            output = model._network(inputs, [('panoptic',)])
            head.pixel_decoder.mask_features.bias -= output.mask_features.mean((0, 2, 3))
            head.prediction.classify.bias -= output.predictions[-1].class_logits.mean((0, 1, 2))
        head.pixel_decoder.mask_features.weight *= 4
        head.prediction.classify.bias[-1] -= 2
    meta = {'cfg': cfg.pretty_text, 'dataset_meta': dict(model.dataset_meta)}
    torch.save({'meta': meta, 'state_dict': model.state_dict()}, path)


if __name__ == '__main__':
    make_checkpoint(FOLDER / 'exported.pth')
    export(FOLDER / 'exported.pth', FOLDER / 'exported.onnx')
