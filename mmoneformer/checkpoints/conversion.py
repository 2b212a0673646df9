"""Converts checkpoints between the authors' code, Hugging Face and ours."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor

from mmoneformer.checkpoints.architecture import find_backbone, read_architecture
from mmoneformer.checkpoints.backbones import BACKBONES
from mmoneformer.checkpoints.checksums import sha256_of
from mmoneformer.checkpoints.detectron2_pickle import read_detectron2_pickle
from mmoneformer.checkpoints.download import fetch_folder, is_hub_name
from mmoneformer.checkpoints.frozen_weights import merge_lora, with_frozen, without_frozen
from mmoneformer.checkpoints.hugging_face_folder import read_folder, write_folder
from mmoneformer.checkpoints.infer_config import Names, SourceInfo, given_classes, image_scale, infer_config
from mmoneformer.checkpoints.model_card import checkpoint_card, hub_card, measured_metrics
from mmoneformer.checkpoints.model_weights import check_keys, plain_weights
from mmoneformer.checkpoints.model_zoo import released_name
from mmoneformer.checkpoints.official import from_official
from mmoneformer.checkpoints.safe_config import registered_parts_only, stored_config
from mmoneformer.checkpoints.safe_load import read_checkpoint
from mmoneformer.checkpoints.state_dict import StateDict
from mmoneformer.config_files import apply_options
from mmoneformer.metainfo import Metainfo
from mmoneformer.registry import MODELS
from mmoneformer_deploy.atomic_files import commit, partial_path, write_bytes

SCALE = 'panoptic_head.contrastive_loss.logit_scale'  # for training only

logger = logging.getLogger(__name__)


class Loaded(NamedTuple):
    """A model of any source.

    Attributes:
        state_dict: The weights under our keys.
        cfg: The config of the model.
        metrics: Metrics of the last validation by name, if the source has any.
    """

    state_dict: StateDict
    cfg: Config
    metrics: dict[str, float]


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    dataset: str | None = None,
    classes: Names | None = None,
    things: Names | None = None,
    cfg_options: Mapping[str, Any] | None = None,
    publish: bool = False,
    small: bool = False,
) -> Path:
    """Convert a checkpoint. The target gets its name when it is complete.

    Args:
        source: A .pth file of the authors, a .pkl file of detectron2, a folder of Hugging Face or its name on the hub
            (``hf://shi-labs/oneformer_coco_swin_large``), or a checkpoint of ours.
        target: Path with a suffix for a checkpoint of ours, without for a folder of Hugging Face.
        dataset: Name of the data set, if the source does not contain its classes.
        classes: Names of the classes, or a file of them as in ``given_classes``, if they are those of no known data
            set.
        things: Names or indices of the classes that are things, or a file of them.
        cfg_options: Values that replace those of the config, keys as in ``model.test_cfg.overlap_thr``.
        publish: Whether to write half precision, append the start of the file's SHA-256 to its name, and write a card
            beside it, ``NAME.md``. A folder of Hugging Face always has a card, ``README.md``.
        small: Whether to leave out frozen weights, which the backbone's config can load; else LoRA is merged in.

    Returns:
        Path of the file or folder.

    Raises:
        FileNotFoundError: If the source does not exist.
        ConnectionError: If it is on the hub and cannot be downloaded.
        ImportError: If it is on the hub and huggingface_hub is not installed.
        ValueError: If the source is unsafe, damaged or of another model, or lacks what the config needs.
    """
    target = _checked(Path(target), publish=publish, small=small)
    source = fetch_folder(str(source)) if is_hub_name(source) else Path(source)
    state_dict, cfg, metrics = load_any(
        source, dataset=dataset, classes=classes, things=things, cfg_options=cfg_options
    )
    model = _build(cfg)
    state_dict = with_frozen(state_dict | _constants(model.state_dict(), state_dict), model)
    check_keys(state_dict, model.state_dict(), source=source)
    state_dict = without_frozen(state_dict, model) if small else merge_lora(state_dict, cfg)
    if target.suffix:
        meta = {'cfg': cfg.pretty_text, 'dataset_meta': dict(model.dataset_meta), 'metrics': metrics}
        return _write_checkpoint(target, state_dict, cfg, meta, publish=publish)
    _write_hub_folder(target, state_dict, cfg, model.dataset_meta, metrics)
    return target


def _checked(target: Path, **options: bool) -> Path:
    """Return the target, if it is a checkpoint where an option is for checkpoints alone."""
    given = [name for name, value in options.items() if value]
    if given and not target.suffix:
        raise ValueError(f'{given[0]} is for checkpoints of ours, and {target} has no suffix: use {target}.pth')
    return target


def load_any(
    source: Path,
    *,
    dataset: str | None = None,
    classes: Names | None = None,
    things: Names | None = None,
    cfg_options: Mapping[str, Any] | None = None,
) -> Loaded:
    """Read a source of any kind; arguments as in ``convert``."""
    options = dict(cfg_options or {})
    named = {'dataset': dataset, 'classes': classes, 'things': things}
    given = [f'{key}={value!r}' for key, value in named.items() if value is not None]
    if dataset is not None and len(given) > 1:
        raise ValueError(f'{", ".join(given)}: give either the name of a data set, or its classes')
    if source.is_dir():
        state_dict, info = read_folder(source)
    else:
        checkpoint: dict[str, Any] = (
            dict(read_detectron2_pickle(source)) if source.suffix == '.pkl' else read_checkpoint(source)
        )
        if 'state_dict' in checkpoint:
            weights = plain_weights(checkpoint['state_dict'], source)
            return Loaded(weights, _own_config(checkpoint, source, given, options), measured_metrics(checkpoint))
        state_dict = from_official(plain_weights(checkpoint.get('model', checkpoint), source))
        info = SourceInfo(released_name=released_name(source.name))
    info = info._replace(metainfo=given_classes(info.metainfo, classes, things))
    return Loaded(state_dict, infer_config(state_dict, info, dataset=dataset, cfg_options=options), {})


def _own_config(
    checkpoint: Mapping[str, Any], source: Path, given: Sequence[str], cfg_options: Mapping[str, Any]
) -> Config:
    if given:
        raise ValueError(f'{source} is a checkpoint of ours, which contains its classes: leave out {", ".join(given)}')
    cfg = stored_config(checkpoint, source)
    apply_options(cfg, cfg_options)
    return cfg


def _build(cfg: Config) -> Any:
    init_default_scope(cfg.get('default_scope', 'mmoneformer'))
    with registered_parts_only():
        return MODELS.build(cfg.model)


def _constants(expected: Mapping[str, Tensor], state_dict: Mapping[str, Tensor]) -> StateDict:
    """Tensors that a source may lack."""
    missing = {key: expected[key] for key in expected if key not in state_dict}
    if SCALE in missing:
        logger.info('%s is not in the weights: training would start from its initial value', SCALE)
    ends = tuple(end for backbone in BACKBONES.values() for end in backbone.constants)
    return {key: tensor for key, tensor in missing.items() if key == SCALE or key.endswith(ends)}


def _write_checkpoint(
    target: Path, state_dict: StateDict, cfg: Config, meta: dict[str, Any], *, publish: bool
) -> Path:
    if publish:
        state_dict = {key: _halve(key, tensor) for key, tensor in state_dict.items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    part = partial_path(target, unique=True)
    try:
        torch.save({'meta': meta, 'state_dict': state_dict}, part)
        if publish:
            sha256 = sha256_of(part)
            target = target.with_name(f'{target.stem}-{sha256[:8]}{target.suffix}')
            card = checkpoint_card(target.name, cfg, meta['dataset_meta'], meta['metrics'], sha256)
            write_bytes(target.with_suffix('.md'), card.encode())
        commit(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _halve(key: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    if not half.isfinite().all():
        raise ValueError(f'{key} has values beyond the range of half precision, up to {tensor.abs().max().item():g}')
    return half


def _write_hub_folder(
    target: Path, state_dict: StateDict, cfg: Config, metainfo: Metainfo, metrics: Mapping[str, float]
) -> None:
    described = read_architecture(state_dict) | {'data_preprocessor': cfg.model.data_preprocessor}
    not_in_weights = find_backbone(state_dict).not_in_weights
    described['backbone'] |= {key: value for key, value in cfg.model.backbone.items() if key in not_in_weights}
    card = hub_card(target.name, cfg, metainfo, metrics)
    write_folder(target, state_dict, model=described, metainfo=metainfo, scale=image_scale(cfg), card=card)
