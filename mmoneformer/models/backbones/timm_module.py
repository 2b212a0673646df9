"""A network of timm in a backbone, with its pretrained weights."""

from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from mmengine.model import BaseModule
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from mmoneformer.errors import first_few
from mmoneformer.models.backbones.timm_models import find_record
from mmoneformer.models.normalization import Normalization

# Builds the network; its arguments are those of timm.create_model that say which weights to load.
Build = Callable[..., nn.Module]
LORA = ('.lora_down', '.lora_up')  # parameters that no pretrained network has


class TimmModule(BaseModule):
    """Holds a network of timm as ``net``, and initializes it with timm's weights or those of a file.

    Args:
        model: Name in timm, with or without a tag of its weights.
        build: Builds the network.
        pretrained: Whether ``init_weights`` takes timm's weights, which are downloaded on first use.
        checkpoint: File with the weights that it takes instead, safetensors or .pth; with the names of timm, or other
            names that timm knows. None for no file.
        init_cfg: Initialization of the rest, as in mmengine.
    """

    net: Any

    def __init__(
        self,
        model: str,
        build: Build,
        *,
        pretrained: bool,
        checkpoint: str | None,
        init_cfg: dict | list[dict] | None,
    ) -> None:
        super().__init__(init_cfg)
        record = find_record(model)
        if pretrained and not checkpoint and not record.has_weights:
            raise ValueError(f'timm has no weights of {model}: set checkpoint to a file, or pretrained=False')
        self.model_name = model
        self.pretrained = pretrained
        self.checkpoint = checkpoint
        self.normalization = Normalization(
            [255 * value for value in record.mean], [255 * value for value in record.std]
        )
        self._build = build
        self.net = build()
        self._random = _versions(self.net)

    def init_weights(self) -> None:
        """Load the pretrained weights, unless that is done.

        Raises:
            ConnectionError: If they cannot be downloaded.
            FileNotFoundError: If there is no such file.
            ValueError: If the file is damaged, or has the weights of another network.
        """
        if not self.is_init and (self.checkpoint or self.pretrained):
            trained = self._with_weights_of(self.checkpoint) if self.checkpoint else self._download()
            missing, _ = self.net.load_state_dict(trained.state_dict(), strict=False)
            assert all(name.endswith(LORA) for name in missing), missing
        if self.init_cfg:
            super().init_weights()
        self._is_init = True  # mmengine would initialize the network's parts again

    def _download(self) -> nn.Module:
        try:
            return self._build(pretrained=True)
        except Exception as error:  # its type depends on the versions of huggingface_hub and its HTTP client
            reason = str(error).strip().partition('\n')[0]
            raise ConnectionError(
                f'the weights of {self.model_name} cannot be downloaded ({type(error).__name__}: {reason}): download '
                'them elsewhere and set model.backbone.checkpoint to the file, or set model.backbone.pretrained=False '
                'for random weights'
            ) from error

    def _with_weights_of(self, path: str) -> nn.Module:
        """Build the network with the weights of a file, whose names and sizes timm adapts to it."""
        weights = read_weights(path)
        fault = f'{path} does not hold the weights of {self.model_name} of timm'
        try:
            trained = self._build(pretrained=True, pretrained_cfg_overlay=dict(state_dict=weights))
        except (RuntimeError, KeyError, AttributeError) as error:
            reason = ' '.join(str(error).split())[:300]
            raise ValueError(f'{fault} ({type(error).__name__}: {reason})') from error
        missing = [name for name, version in _versions(trained).items() if version == self._random[name]]
        if missing:  # timm takes a part of the weights without complaint
            raise ValueError(f'{fault}: missing {first_few(missing)}')
        return trained


def _versions(net: nn.Module) -> dict[str, int]:
    """How often each tensor was changed in place: once more in a network with loaded weights."""
    counted = {name: tensor._version for name, tensor in net.state_dict().items()}
    return {name: version for name, version in counted.items() if not name.endswith('num_batches_tracked')}


def read_weights(path: str) -> dict[str, Tensor]:
    """Read the weights of a file, without running code that it may contain.

    Args:
        path: safetensors, or what ``torch.save`` writes: weights, maybe under the key ``model`` or ``state_dict``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, needs more than weights, or has none.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'{path}, the checkpoint of the backbone, is not a file')
    try:
        if Path(path).suffix == '.safetensors':
            return load_file(path)
        content = torch.load(path, map_location='cpu', weights_only=True)
    except (SafetensorError, UnpicklingError, EOFError, RuntimeError) as error:
        raise ValueError(
            f'{path} is damaged, or has more than weights ({type(error).__name__}): download it again'
        ) from error
    for key in ('state_dict', 'model'):
        content = content.get(key, content) if isinstance(content, dict) else content
    if not isinstance(content, dict) or not any(isinstance(value, Tensor) for value in content.values()):
        raise ValueError(f'{path} has no weights, but {type(content).__name__} {content!r:.60}')
    return content
