"""The paper's parameter groups: a slow backbone, and no weight decay where it does not belong."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS, OPTIMIZERS
from torch import nn

from mmoneformer.registry import OPTIM_WRAPPER_CONSTRUCTORS

NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)
EMBEDDINGS = (  # parameters that stand for places, queries or words, and the scale of the contrastive logits
    'absolute_pos_embed',
    'context',
    'level_embed',
    'logit_scale',
    'position_embedding',
    'query_embed',
    'relative_position_bias_table',
    'rpb',
)


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class OneFormerOptimWrapperConstructor:
    """Builds the optimizer with up to four groups: backbone or not, decayed or not.

    Args:
        optim_wrapper_cfg: Config of the wrapper, with ``optimizer`` in it.
        paramwise_cfg: ``backbone_lr_mult``, what the backbone's learning rate is multiplied with; 1 if absent.

    Raises:
        ValueError: If ``paramwise_cfg`` has another key.
    """

    def __init__(self, optim_wrapper_cfg: dict[str, Any], paramwise_cfg: dict[str, Any] | None = None) -> None:
        self.optim_wrapper_cfg = dict(optim_wrapper_cfg)
        self.optimizer_cfg = dict(self.optim_wrapper_cfg.pop('optimizer'))
        settings = dict(paramwise_cfg or {})
        self.backbone_lr_mult = settings.pop('backbone_lr_mult', 1.0)
        if settings:
            raise ValueError(f'unknown keys of paramwise_cfg: {sorted(settings)}; it takes backbone_lr_mult alone')

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Build the optimizer of the model's trainable parameters, and its wrapper."""
        model = getattr(model, 'module', model)
        groups: dict[tuple[bool, bool], list[nn.Parameter]] = defaultdict(list)
        for name, parameter, decays in decayed_parameters(model):
            groups[name.startswith('backbone.'), decays].append(parameter)
        lr = self.optimizer_cfg['lr']
        self.optimizer_cfg['params'] = [
            dict(params=parameters, lr=lr * self.backbone_lr_mult if in_backbone else lr)
            | ({} if decays else dict(weight_decay=0.0))
            for (in_backbone, decays), parameters in groups.items()
        ]
        optimizer = OPTIMIZERS.build(self.optimizer_cfg)
        defaults = dict(type='OptimWrapper', optimizer=optimizer)
        return OPTIM_WRAPPERS.build(self.optim_wrapper_cfg, default_args=defaults)


def decayed_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter, bool]]:
    """Yield the name of each trainable parameter, the parameter, and whether weight decay falls on it."""
    for prefix, module in model.named_modules():
        for name, parameter in module.named_parameters(prefix, recurse=False):
            if parameter.requires_grad:
                keeps = isinstance(module, (*NORMS, nn.Embedding)) or name.endswith(EMBEDDINGS)
                yield name, parameter, not keeps
