"""A network of timm, to be built with random and with pretrained weights."""

from collections.abc import Callable

from torch import nn

from mmoneformer.errors import first_few
from mmoneformer.models.backbones.library_module import read_weights
from mmoneformer.models.backbones.timm_models import find_record
from mmoneformer.models.normalization import Normalization

# Builds the network; its arguments are those of timm.create_model that say which weights to load.
Build = Callable[..., nn.Module]


class TimmNetwork:
    """A network of timm as a ``LibraryNetwork``.

    Args:
        model: Name in timm, with or without a tag of its weights.
        build: Builds the network.

    Raises:
        ImportError: If timm is not installed.
        ValueError: If timm has no such model.
    """

    library = 'timm'

    def __init__(self, model: str, build: Build) -> None:
        record = find_record(model)
        self.model = model
        self.has_weights = bool(record.has_weights)
        self.normalization: Normalization | None = Normalization(
            [255 * value for value in record.mean], [255 * value for value in record.std]
        )
        self._build = build
        self._random: dict[str, int] = {}

    def build(self) -> nn.Module:
        """Build it with random weights."""
        net = self._build()
        self._random = _versions(net)
        return net

    def download(self) -> nn.Module:
        """Build it with timm's weights."""
        return self._build(pretrained=True)

    def read(self, path: str) -> nn.Module:
        """Build it with the weights of a file, whose names and sizes timm adapts to it.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is damaged, or has the weights of another network.
        """
        weights = read_weights(path)
        fault = f'{path} does not hold the weights of {self.model} of timm'
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
