"""The description of a model that is exported, and the check that a file can do what the model's config says."""

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from mmcv.transforms import LoadAnnotations, Resize
from mmcv.transforms import LoadImageFromFile as LoadImageOfMmcv
from mmengine.model import ImgDataPreprocessor
from torch import Tensor

from mmoneformer.checkpoints.safe_config import registered_parts_only
from mmoneformer.datasets.transforms import (
    LoadImageFromFile,
    LoadLabelMap,
    LoadPanopticMap,
    LoadSegments,
    PackOneFormerInputs,
)
from mmoneformer.export.network import DIVISOR
from mmoneformer.models import OneFormer
from mmoneformer.registry import TRANSFORMS
from mmoneformer.version import __version__
from mmoneformer_deploy.description import Description


def describe(model: OneFormer, precision: str = 'float32') -> Description:
    """Describe a model that ``init_model`` built, and the precision it is exported in.

    Raises:
        ValueError: If an exported file could not do what the model's config says.
    """
    check_preprocessor(model.data_preprocessor)
    settings, metainfo = model.test_cfg, model.dataset_meta
    if settings.tokens:
        raise ValueError(f'test_cfg.tokens is {settings.tokens}, which an exported file cannot hold: remove it')
    return Description(
        version=__version__,
        weights_sha256=hash_weights(model.state_dict()),
        tasks=list(model.panoptic_head.task_token.tasks),
        classes=list(metainfo['classes']),
        thing_ids=list(metainfo['thing_ids']),
        palette=[list(color) for color in metainfo['palette']],
        resize=resize_rule(model.cfg.get('test_pipeline', [])),
        size_divisor=model.data_preprocessor.pad_size_divisor,
        pad_value=_pad_value(model.data_preprocessor),
        object_mask_thr=settings.object_mask_thr,
        overlap_thr=settings.overlap_thr,
        max_per_image=settings.max_per_image,
        precision=precision,
    )


def hash_weights(state_dict: Mapping[str, Tensor]) -> str:
    """SHA-256 of the names, types, shapes and bytes of all tensors, sorted by name; hexadecimal."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state_dict.items()):
        digest.update(f'{name} {tensor.dtype} {list(tensor.shape)}\n'.encode())
        digest.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def check_preprocessor(preprocessor: Any) -> None:
    """Check that the graph can normalize as the model's data preprocessor does, and a user can pad so.

    Raises:
        ValueError: If it cannot.
    """
    name = f'data_preprocessor ({type(preprocessor).__name__})'
    if not isinstance(preprocessor, ImgDataPreprocessor) or not preprocessor._enable_normalize:
        raise ValueError(
            f'{name} does not normalize with mean and std, as an exported network does: use OneFormerDataPreprocessor'
        )
    if preprocessor.pad_size_divisor % DIVISOR:
        raise ValueError(
            f'{name} pads to multiples of {preprocessor.pad_size_divisor}, and an exported network takes multiples of '
            f'{DIVISOR}: set model.data_preprocessor.pad_size_divisor={DIVISOR}'
        )


def resize_rule(pipeline: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return how a test pipeline resizes images, as in ``Description``; None if it does not.

    Args:
        pipeline: Configs of its transforms.

    Raises:
        ValueError: If it does anything else with them that a result depends on.
    """
    rule = None
    with registered_parts_only():
        transforms = [TRANSFORMS.build(step) for step in pipeline]
    for step, transform in zip(pipeline, transforms, strict=True):
        match transform:
            case LoadImageFromFile() | LoadImageOfMmcv() if _loads_color(transform):
                pass
            case Resize(scale=(int() as width, int() as height), backend='cv2', interpolation='bilinear') if not rule:
                rule = {'scale': [width, height], 'keep_ratio': transform.keep_ratio}
            case LoadAnnotations() | LoadPanopticMap() | LoadLabelMap() | LoadSegments() | PackOneFormerInputs():
                pass
            case _:
                raise ValueError(
                    f'test_pipeline has {step}, which cannot be exported: it may load images, resize them once, '
                    'bilinearly and to a scale, and load annotations'
                )
    return rule


def _loads_color(transform: LoadImageFromFile | LoadImageOfMmcv) -> bool:
    return transform.color_type == 'color' and transform.imdecode_backend == 'cv2'


def _pad_value(preprocessor: ImgDataPreprocessor) -> list[float]:
    """The pixel that becomes ``pad_value`` by the normalization, RGB."""
    pixel = (preprocessor.mean + preprocessor.pad_value * preprocessor.std).flatten().tolist()
    return pixel if preprocessor._channel_conversion else pixel[::-1]
