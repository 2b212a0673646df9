"""ImageNet weights as the authors of a backbone publish them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from pickle import UnpicklingError
from urllib.error import URLError

from mmengine.model import BaseModule, PretrainedInit
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from mmoneformer.errors import first_few

StateDict = dict[str, Tensor]
CLASSIFIER = ('norm.', 'head.')  # follow the last stage of a classifier
OUTPUTS = ('norm0.', 'norm1.', 'norm2.', 'norm3.')  # follow each stage of a backbone
DAMAGED = ('PytorchStreamReader', 'invalid hash')  # in messages of torch about files that are no checkpoints


class PretrainedBackbone(BaseModule):
    """A backbone whose ``init_cfg`` may be ``dict(type='Pretrained', checkpoint=...)`` with its authors' weights."""

    def init_weights(self) -> None:
        """Initialize the weights.

        Raises:
            ValueError: If the checkpoint has the weights of another network.
        """
        init_cfg = self.init_cfg
        is_file = isinstance(init_cfg, Mapping) and init_cfg['type'] in ('Pretrained', PretrainedInit)
        if is_file and 'prefix' not in init_cfg:
            load_classifier(self, init_cfg['checkpoint'])
        else:
            super().init_weights()

    def rename_classifier(self, weights: StateDict) -> StateDict:
        """Rename the authors' weights to the names of this backbone; overridden where names differ."""
        return weights


def load_classifier(backbone: PretrainedBackbone, path: str) -> None:
    """Load the weights of an ImageNet classifier into a backbone.

    Args:
        backbone: Its ``rename_classifier`` translates the names.
        path: File or URL; its weights may be under the key ``model`` or ``state_dict``.

    Raises:
        ValueError: If names or shapes differ, apart from the classifier's head and the norms of the outputs.
    """
    content = CheckpointLoader.load_checkpoint(path, map_location='cpu')
    weights: StateDict = backbone.rename_classifier(content.get('model', content.get('state_dict', content)))
    kept = {key: tensor for key, tensor in weights.items() if not key.startswith(CLASSIFIER)}
    own = backbone.state_dict()
    faults = {
        'missing': [key for key in own if key not in kept and not key.startswith(OUTPUTS)],
        'unknown': [key for key in kept if key not in own],
        'of another shape': [key for key in kept if key in own and kept[key].shape != own[key].shape],
    }
    found = [f'{kind}: {first_few(keys)}' for kind, keys in faults.items() if keys]
    if found:
        raise ValueError(
            f'{path} does not hold the weights of this {type(backbone).__name__}: {"; ".join(found)}. Use '
            'the file of its authors, or set init_cfg.prefix to load a part of a checkpoint'
        )
    backbone.load_state_dict(kept, strict=False)


@contextmanager
def named_weights(backbone: nn.Module) -> Iterator[None]:
    """Context of the initialization of a model, whose errors name the file of the backbone's weights and the remedy.

    Args:
        backbone: Of this package or another; with an ``init_cfg`` if it has pretrained weights.

    Raises:
        ConnectionError: If they cannot be downloaded.
        ValueError: If the file is damaged, or has nothing of the backbone, which mmengine would take without a word.
    """
    settings = getattr(backbone, 'init_cfg', None)
    path = settings.get('checkpoint') if isinstance(settings, Mapping) else None
    is_new = path is not None and not getattr(backbone, 'is_init', False)
    versions = [parameter._version for parameter in backbone.parameters()]  # which count changes in place
    remedy = 'set model.backbone.init_cfg.checkpoint to the file, or model.backbone.init_cfg=None for random weights'
    try:
        yield
    except (URLError, HTTPException, ConnectionError, TimeoutError) as error:
        if path is None:
            raise
        raise ConnectionError(f'{path} cannot be downloaded ({error}): download it elsewhere and {remedy}') from error
    except (UnpicklingError, EOFError, RuntimeError) as error:
        if path is None or (isinstance(error, RuntimeError) and not any(word in str(error) for word in DAMAGED)):
            raise
        raise ValueError(
            f'{path} is damaged ({type(error).__name__}): remove it, or its copy in the cache that '
            f'the log names, and download it again; or {remedy}'
        ) from error
    if is_new and versions == [parameter._version for parameter in backbone.parameters()]:
        raise ValueError(
            f'{path} has no weights of {type(backbone).__name__}, which would stay random: use those of this network, '
            f'with the prefix of its keys as model.backbone.init_cfg.prefix if they have one; or {remedy}'
        )
