"""Small checkpoints, which lack the pretrained weights that training leaves as they are; and LoRA merged into these.

The frozen weights are loaded again from where the backbone's config has them.
"""

from collections.abc import Mapping

from mmengine.config import Config
from torch import Tensor

from mmoneformer.checkpoints.state_dict import StateDict
from mmoneformer.models import OneFormer
from mmoneformer.models.backbones.library_module import LibraryModule

DOWN, UP = '.lora_down', '.lora_up'


def without_frozen(weights: Mapping[str, Tensor], model: OneFormer) -> StateDict:
    """Leave out the frozen weights of the backbone.

    Args:
        weights: State dict of the model.
        model: The model.

    Raises:
        ValueError: If the backbone has none that its config could load again.
    """
    frozen = _frozen(model)
    if not frozen:
        raise ValueError(
            'a small checkpoint is one of a frozen backbone, or one with LoRA, that has pretrained=True or a '
            'checkpoint in its config: leave --small out'
        )
    return {key: tensor for key, tensor in weights.items() if key not in frozen}


def with_frozen(weights: Mapping[str, Tensor], model: OneFormer) -> StateDict:
    """Add the frozen weights of the backbone to those of a small checkpoint; others are returned as they are.

    Args:
        weights: State dict of a checkpoint.
        model: A model of its config; the frozen weights of the backbone are loaded into it.

    Raises:
        ConnectionError: If the frozen weights cannot be downloaded.
        FileNotFoundError: If their file is not there.
    """
    frozen = _frozen(model)
    if not frozen or not frozen.isdisjoint(weights):
        return dict(weights)
    model.backbone.init_weights()
    own = model.state_dict()
    return dict(weights) | {key: own[key] for key in frozen}


def _frozen(model: OneFormer) -> set[str]:
    backbone = model.backbone
    if not isinstance(backbone, LibraryModule) or not (backbone.pretrained or backbone.checkpoint):
        return set()
    return {f'backbone.{name}' for name, value in backbone.named_parameters() if not value.requires_grad}


def merge_lora(weights: Mapping[str, Tensor], cfg: Config) -> StateDict:
    """Add the updates of LoRA to the weights.

    Args:
        weights: State dict of a model.
        cfg: Its config, which is changed to that of a model without LoRA.
    """
    if not cfg.model.backbone.get('lora_rank'):
        return dict(weights)
    cfg.model.backbone.lora_rank = 0
    merged = {key: tensor for key, tensor in weights.items() if not key.endswith((DOWN, UP))}
    for key, up in weights.items():
        if key.endswith(UP):
            layer = key.removesuffix(UP)
            merged[f'{layer}.weight'] = weights[f'{layer}.weight'] + up @ weights[layer + DOWN]
    return merged
