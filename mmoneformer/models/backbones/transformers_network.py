"""Plain vision transformers of Hugging Face's transformers, to be built with random and with pretrained weights."""

from collections.abc import Mapping
from importlib import import_module
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn

from mmoneformer.errors import first_few
from mmoneformer.models.backbone_maps import evaluation_mode
from mmoneformer.models.backbones.library_module import read_weights
from mmoneformer.models.normalization import Normalization


def import_transformers() -> Any:
    """Import transformers.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        return import_module('transformers')
    except ModuleNotFoundError as error:
        if error.name != 'transformers':
            raise
        raise ImportError(
            "TransformersViT needs transformers, which is not installed: pip install 'mmoneformer[transformers]', or "
            "take the network of timm with type='TimmViT'"
        ) from error


class TransformersNetwork:
    """A plain vision transformer of transformers as a ``LibraryNetwork``.

    Args:
        model: Name on the Hugging Face Hub, or a folder with a config.json; or the values of such a file, with
            ``model_type``, for which nothing is downloaded.
        drop_path_rate: Stochastic depth, as transformers defines it for the model; 0 for none.

    Raises:
        ImportError: If transformers is not installed.
        ValueError: If its config cannot be had, or the model does not take ``drop_path_rate``.
    """

    library = 'transformers'

    def __init__(self, model: str | Mapping[str, Any], drop_path_rate: float) -> None:
        self.has_weights = isinstance(model, str)
        self.model = model if isinstance(model, str) else str(model.get('model_type'))
        self.config = _read_config(model)
        if drop_path_rate:
            if not hasattr(self.config, 'drop_path_rate'):
                raise ValueError(f'{self.model} of transformers does not take drop_path_rate: leave it out')
            self.config.drop_path_rate = drop_path_rate
        self.normalization = _read_normalization(model) if isinstance(model, str) else None

    def build(self) -> nn.Module:
        """Build it with random weights; what has no influence on its patches is frozen.

        Raises:
            ValueError: If it is no plain vision transformer.
        """
        fault = f'{self.model} of transformers is no plain vision transformer'
        remedy = 'take one, such as facebook/dinov2-base'
        side = 2 * getattr(self.config, 'patch_size', 0)
        if not side:
            raise ValueError(f'{fault}: {remedy}')
        net = import_transformers().AutoModel.from_config(self.config)
        learning = [parameter for parameter in net.parameters() if parameter.requires_grad]
        try:
            find_blocks(net)
            with evaluation_mode(net), torch.enable_grad():
                tokens = patch_tokens(net, learning[0].new_zeros(1, 3, side, side), 4)
                gradients = torch.autograd.grad(tokens.sum(), learning, allow_unused=True)
            if tokens.shape != (1, 4, self.config.hidden_size):
                raise TypeError(f'its last hidden state is {list(tokens.shape)} for 2 x 2 patches')
        except Exception as error:  # of any class: transformers has networks of every kind
            raise ValueError(f'{fault} ({type(error).__name__}: {error}): {remedy}') from error
        for parameter, gradient in zip(learning, gradients, strict=True):
            parameter.requires_grad_(gradient is not None)
        return net

    def download(self) -> nn.Module:
        """Build it with the weights of the Hub, or of the folder."""
        return self._load(self.model, use_safetensors=True)

    def read(self, path: str) -> nn.Module:
        """Build it with the weights of a file, whose names are those of transformers.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is damaged, or has the weights of another network.
        """
        weights = read_weights(path)
        try:
            return self._load(None, state_dict=weights)
        except (RuntimeError, ValueError, KeyError) as error:
            reason = ' '.join(str(error).split())[:300]
            raise ValueError(f'{path} does not hold the weights of {self.model} of transformers ({reason})') from error

    def _load(self, source: str | None, **options: Any) -> nn.Module:
        own: Any = self.build()
        net, report = type(own).from_pretrained(source, config=self.config, output_loading_info=True, **options)
        needed = {name for name, parameter in own.named_parameters() if parameter.requires_grad}
        missing = sorted(needed.intersection(report['missing_keys']))
        if missing:
            raise ValueError(f'missing {first_few(missing)}')
        return net


def find_blocks(net: Any) -> str:
    """Name of the list of blocks in a transformer."""
    depth = net.config.num_hidden_layers
    lists = (name for name, part in net.named_modules() if isinstance(part, nn.ModuleList) and len(part) == depth)
    name = next(lists, None)
    if name is None:
        raise TypeError('it has no list of layers')
    return name


def patch_tokens(net: Any, images: Tensor, count: int) -> Tensor:
    """Tokens of the patches after the last block and its norm, [B, count, C]: the last ones of all.

    Args:
        net: The transformer.
        images: [B, 3, H, W].
        count: Number of patches of an image.
    """
    any_size = {'interpolate_pos_encoding': True}
    known = any_size if any_size.keys() <= signature(net.forward).parameters.keys() else {}
    tokens = net(pixel_values=images, **known).last_hidden_state
    return tokens[:, tokens.shape[1] - count :]


def _read_config(model: str | Mapping[str, Any]) -> Any:
    configs = import_transformers().AutoConfig
    if isinstance(model, str):
        try:
            return configs.from_pretrained(model)
        except (OSError, ValueError) as error:
            reason = str(error).strip().partition('\n')[0]
            raise ValueError(
                f'the config of {model} cannot be had ({reason}): set model.backbone.model to a folder that has it, '
                'or to its values, dict(model_type=...)'
            ) from error
    values = dict(model)
    kind = values.pop('model_type', None)
    try:
        return configs.for_model(kind, **values)
    except ValueError as error:
        if kind in import_transformers().CONFIG_MAPPING:
            raise
        raise ValueError(
            f"model.backbone.model has the model_type {kind!r}, which this transformers does not know: 'dinov2', "
            "'dinov2_with_registers', 'dinov3_vit' and 'vit' are some of those that it may be"
        ) from error


def _read_normalization(model: str) -> Normalization | None:
    """Mean and standard deviation of the images that it was trained with; None if they are not recorded."""
    readers = import_module('transformers.image_processing_base').ImageProcessingMixin
    try:
        values, _ = readers.get_image_processor_dict(model)
    except OSError:
        return None
    mean, std = values.get('image_mean'), values.get('image_std')
    return Normalization([255 * value for value in mean], [255 * value for value in std]) if mean and std else None
