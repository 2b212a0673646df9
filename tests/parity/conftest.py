"""The authors' small models, as reference inputs, weights and outputs (``tests/data/*_small_*.npz``)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.models.backbones.resnet import Bottleneck, ResNet

from mmoneformer.checkpoints.key_table import check_keys
from mmoneformer.checkpoints.official import from_official
from mmoneformer.registry import MODELS

DATA = Path(__file__).parents[1] / 'data'
PADDED = (128, 160)


class NarrowBottleneck(Bottleneck):
    expansion = 2


@MODELS.register_module()
class NarrowResNet(ResNet):
    arch_settings = {50: (NarrowBottleneck, (3, 4, 6, 3))}


BACKBONES = {
    'swin_small': dict(
        type='mmdet.SwinTransformer',
        embed_dims=24,
        depths=(1, 1, 2, 1),
        num_heads=(1, 2, 4, 8),
        window_size=7,
        drop_path_rate=0.0,
    ),
    'r50_small': dict(
        type='NarrowResNet',
        depth=50,
        stem_channels=8,
        base_channels=8,
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
    ),
}
IN_CHANNELS = {'swin_small': (24, 48, 96, 192), 'r50_small': (16, 32, 64, 128)}


@dataclass
class Reference:
    """One of the authors' models: what it was given, what it answered, and its weights in ours."""

    name: str
    config: dict[str, Any]
    infer: Any
    train: Any
    model: Any
    inputs: torch.Tensor

    def tensor(self, key: str) -> torch.Tensor:
        part = self.infer if key in self.infer else self.train
        return torch.from_numpy(part[key])


def official_weights(name: str) -> dict[str, torch.Tensor]:
    arrays = np.load(DATA / f'{name}_weights.npz')
    prefix = 'state_dict/'
    tensors = {key[len(prefix) :]: torch.from_numpy(arrays[key]) for key in arrays.files if key.startswith(prefix)}
    return {key: tensor.float() if tensor.is_floating_point() else tensor.long() for key, tensor in tensors.items()}


def build_model(name: str, config: dict[str, Any]) -> Any:
    classes = {'classes': config['class_names'], 'thing_ids': config['thing_contiguous_ids']}
    ffn = dict(feedforward_channels=config['dim_feedforward'])
    return MODELS.build(
        dict(
            type='mmoneformer.OneFormer',
            _scope_='mmoneformer',
            backbone=BACKBONES[name],
            metainfo=classes,
            panoptic_head=dict(
                type='OneFormerHead',
                num_queries=config['num_queries'],
                channels=config['hidden_dim'],
                pixel_decoder=dict(
                    type='MSDeformAttnPixelDecoder',
                    in_channels=IN_CHANNELS[name],
                    num_layers=config['pixel_decoder_enc_layers'],
                    dropout=0.0,
                ),
                query_initialiser=dict(dropout=0.0, **ffn),
                masked_decoder=dict(num_layers=config['num_decoder_layers'], **ffn),
                text_mapper=dict(
                    type='TextMapper',
                    encoder=dict(type='TextEncoder', width=64, num_layers=2),
                    num_context=config['text']['n_ctx'],
                ),
            ),
            test_cfg=dict(
                object_mask_thr=config['object_mask_threshold'],
                overlap_thr=config['overlap_threshold'],
                max_per_image=config['detections_per_image'],
            ),
        )
    )


def normalise(config: dict[str, Any], images: list[np.ndarray]) -> torch.Tensor:
    mean, std = (torch.tensor(config[key])[:, None, None] for key in ('pixel_mean', 'pixel_std'))
    inputs = torch.zeros(len(images), 3, *PADDED)
    for padded, image in zip(inputs, images, strict=True):
        padded[:, : image.shape[1], : image.shape[2]] = (torch.from_numpy(image) - mean) / std
    return inputs


@pytest.fixture(scope='session', params=list(BACKBONES))
def reference(request: pytest.FixtureRequest) -> Reference:
    name = request.param
    infer, train = (dict(np.load(DATA / f'{name}_{part}.npz')) for part in ('infer', 'train'))
    config = json.loads(str(infer['config_json']))
    model = build_model(name, config)
    weights = from_official(official_weights(name))
    check_keys(weights, model.state_dict())
    model.load_state_dict(weights)
    model.eval()
    inputs = normalise(config, [infer['image0'], infer['image1']])
    return Reference(name, config, infer, train, model, inputs)
