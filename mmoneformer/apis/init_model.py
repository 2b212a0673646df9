"""Builds a model for inference from a checkpoint, a config, or both."""

import copy
import os
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmoneformer.apis.device import resolve_device
from mmoneformer.checkpoints.conversion import convert
from mmoneformer.checkpoints.frozen_weights import with_frozen
from mmoneformer.checkpoints.model_weights import check_classes, check_keys, plain_weights
from mmoneformer.checkpoints.model_zoo import fetch, is_remote
from mmoneformer.checkpoints.safe_config import registered_parts_only, stored_config
from mmoneformer.checkpoints.safe_load import read_checkpoint
from mmoneformer.config_files import apply_options
from mmoneformer.errors import first_few
from mmoneformer.metainfo import KNOWN_DATASETS
from mmoneformer.models import OneFormer
from mmoneformer.registry import MODELS

Path = str | os.PathLike[str]


def init_model(
    config: Path | Config | None = None,
    checkpoint: Path | None = None,
    device: str | torch.device = 'auto',
    cfg_options: Mapping[str, Any] | None = None,
) -> OneFormer:
    """Build a model for inference and load its weights.

    Args:
        config: Path or config; None for the config stored in the checkpoint, which can only build registered modules.
        checkpoint: Path of the weights, or name of a released model (see ``docs/model_zoo.md``) or of a model of the
            Hugging Face hub (``hf://shi-labs/oneformer_coco_swin_large``), which is downloaded on first use; None for
            random weights, with a warning.
        device: Device of the model, or 'auto' for an accelerator if there is one, as in ``resolve_device``.
        cfg_options: Values that replace those of the config; keys as in ``model.test_cfg.overlap_thr``.

    Returns:
        The model in evaluation mode, with ``model.cfg`` and the classes, ``model.dataset_meta``.

    Raises:
        ConnectionError: If a model cannot be downloaded.
        ImportError: If a model is on the Hugging Face hub and huggingface_hub is not installed.
        ValueError: If there is no config; if the checkpoint is unsafe or damaged, its tensors do not fit the model, or
            its classes or thing ids are not those of the config; if the device is not available; if an option would
            have no effect.
    """
    device = resolve_device(device)
    if is_remote(checkpoint):
        checkpoint = fetch(str(checkpoint), convert)
    stored = None if checkpoint is None else read_checkpoint(checkpoint)
    if config is None:
        cfg = _stored_config(stored, checkpoint)
    else:
        cfg = copy.deepcopy(config) if isinstance(config, Config) else Config.fromfile(config)
    apply_options(cfg, cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmoneformer'))
    with registered_parts_only() if config is None else nullcontext():
        model = MODELS.build(cfg.model)
    if stored is None:
        warnings.warn('init_model got no checkpoint: the weights are random', stacklevel=2)
    else:
        _load_weights(model, stored, checkpoint)
    model.cfg = cfg
    model.to(device)
    model.eval()
    return model


def _stored_config(stored: Mapping[str, Any] | None, checkpoint: Path | None) -> Config:
    if stored is None:
        raise ValueError('init_model needs a config, a checkpoint that contains one, or both; got neither')
    cfg = stored_config(stored, checkpoint)
    metainfo, classes = cfg.get('model', {}).get('metainfo'), stored['meta'].get('dataset_meta')
    if classes and isinstance(metainfo, str) and metainfo not in KNOWN_DATASETS:
        cfg.model.metainfo = dict(classes)  # a data set whose module is not imported here
    return cfg


def _load_weights(model: OneFormer, stored: Mapping[str, Any], checkpoint: Path | None) -> None:
    if 'state_dict' not in stored:
        raise ValueError(
            f"{checkpoint} has no 'state_dict', only {first_few(sorted(stored))}: convert weights of other code with "
            "'mmoneformer convert'"
        )
    check_classes(stored.get('meta', {}).get('dataset_meta'), model.dataset_meta)
    weights = with_frozen(plain_weights(stored['state_dict'], checkpoint), model)
    check_keys(weights, model.state_dict(), source=checkpoint)
    model.load_state_dict(weights)
