"""ImageNet weights as the authors of a backbone publish them."""

from collections.abc import Mapping

from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader
from torch import Tensor

StateDict = dict[str, Tensor]
CLASSIFIER = ('norm.', 'head.')  # what a classifier has behind its last map
OUTPUTS = ('norm0.', 'norm1.', 'norm2.', 'norm3.')  # what a backbone has behind each of its maps


class PretrainedBackbone(BaseModule):
    """A backbone whose ``init_cfg`` may be ``dict(type='Pretrained', checkpoint=...)`` with its authors' weights."""

    def init_weights(self) -> None:
        """Set the initial values.

        Raises:
            ValueError: If the weights are those of another network.
        """
        init_cfg = self.init_cfg
        if isinstance(init_cfg, Mapping) and init_cfg['type'] == 'Pretrained' and 'prefix' not in init_cfg:
            load_classifier(self, init_cfg['checkpoint'])
        else:
            super().init_weights()

    def rename_classifier(self, weights: StateDict) -> StateDict:
        """Bring the authors' weights under our names, where these are others."""
        return weights


def load_classifier(backbone: PretrainedBackbone, path: str) -> None:
    """Load a classifier's weights into its backbone; they may stand in the file under ``model`` or ``state_dict``.

    Args:
        backbone: Tells what names its parameters have in the classifier.
        path: File or URL.

    Raises:
        ValueError: If names or shapes differ, other than by what only one of the two has.
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
    found = {kind: keys[:3] for kind, keys in faults.items() if keys}
    if found:
        raise ValueError(
            f'{path} does not hold the weights of this {type(backbone).__name__}: {found}; give the file of its '
            'authors, or the prefix of the part of a checkpoint'
        )
    backbone.load_state_dict(kept, strict=False)
