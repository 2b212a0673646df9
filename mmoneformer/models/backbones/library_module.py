"""A network of another library in a backbone, with its pretrained weights."""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Protocol

import torch
from mmengine.model import BaseModule
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from mmoneformer.models.normalization import Normalization

LORA = ('.lora_down', '.lora_up')  # parameters that no pretrained network has


class LibraryNetwork(Protocol):
    """A network as a library has it, to be built with random and with pretrained weights.

    Attributes:
        library: Name of the library.
        model: Name of the network there.
        has_weights: Whether the library knows where pretrained weights are.
        normalization: Of the images that it was trained with; None if that is not known.
    """

    library: str
    model: str
    has_weights: bool
    normalization: Normalization | None

    def build(self) -> nn.Module:
        """Build it with random weights."""

    def download(self) -> nn.Module:
        """Build it with the library's weights."""

    def read(self, path: str) -> nn.Module:
        """Build it with the weights of a file, or raise ValueError if it has those of another network."""


class LibraryModule(BaseModule):
    """Holds a network of a library as ``net``, and initializes it with the library's weights or those of a file.

    Args:
        network: The network.
        pretrained: Whether ``init_weights`` takes the library's weights, which are downloaded on first use.
        checkpoint: File with the weights that it takes instead, safetensors or .pth; with the names of the library, or
            others that the library knows. None for no file.
        init_cfg: Initialization of the rest, as in mmengine.
    """

    net: Any

    def __init__(
        self,
        network: LibraryNetwork,
        *,
        pretrained: bool,
        checkpoint: str | None,
        init_cfg: dict | list[dict] | None,
    ) -> None:
        super().__init__(init_cfg)
        if pretrained and not checkpoint and not network.has_weights:
            raise ValueError(
                f'{network.library} has no weights of {network.model}: set checkpoint to a file, or pretrained=False'
            )
        self.model_name = network.model
        self.pretrained = pretrained
        self.checkpoint = checkpoint
        self.normalization = network.normalization
        self.net = network.build()
        self._network = network

    def init_weights(self) -> None:
        """Load the pretrained weights, unless that is done.

        Raises:
            ConnectionError: If they cannot be downloaded.
            FileNotFoundError: If there is no such file.
            ValueError: If the file is damaged, or has the weights of another network.
        """
        if not self.is_init and (self.checkpoint or self.pretrained):
            trained = self._network.read(self.checkpoint) if self.checkpoint else self._download()
            missing, _ = self.net.load_state_dict(trained.state_dict(), strict=False)
            assert all(name.endswith(LORA) for name in missing), missing
        if self.init_cfg:
            super().init_weights()
        self._is_init = True  # mmengine would initialize the network's parts again

    def no_weight_decay(self) -> set[str]:
        """Name the parameters without weight decay: vectors and numbers, as in timm."""
        return {name for name, parameter in self.named_parameters() if parameter.ndim <= 1}

    def _download(self) -> nn.Module:
        try:
            return self._network.download()
        except Exception as error:  # its type depends on the versions of huggingface_hub and its HTTP client
            reason = str(error).strip().partition('\n')[0]
            raise ConnectionError(
                f'the weights of {self.model_name} cannot be downloaded ({type(error).__name__}: {reason}): download '
                'them elsewhere and set model.backbone.checkpoint to the file, or set model.backbone.pretrained=False '
                'for random weights'
            ) from error


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
