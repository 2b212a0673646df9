"""Parameter groups: a learning rate of its own for the backbone, and parameters without weight decay."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS, OPTIMIZERS
from torch import nn

from mmoneformer.errors import first_few
from mmoneformer.registry import OPTIM_WRAPPER_CONSTRUCTORS

NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)
SWIN_TABLES = {'absolute_pos_embed', 'relative_position_bias_table'}  # mmdet's and mmseg's Swin do not declare them
WRAPPERS = re.compile(r'_fsdp_wrapped_module\.|_checkpoint_wrapped_module\.')  # in the names of modules that they wrap


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class OneFormerOptimWrapperConstructor:
    """Builds the optimizer with groups of parameters: backbone or not, with weight decay or without.

    Weight decay does not apply to norms, embeddings, and what modules name in ``no_weight_decay()``.

    With layer-wise learning rates (arXiv 2106.08254, section 3.2), each layer of the backbone has a lower one than the
    layer above it, and groups of its own. A backbone numbers its layers in ``layers_above()``: the number of layers
    after each parameter, by its name.

    Args:
        optim_wrapper_cfg: Config of the wrapper, which contains ``optimizer``.
        paramwise_cfg: ``backbone_lr_mult``, the factor of the backbone's learning rate, 1 by default; ``layer_decay``,
            a further factor for each layer above a parameter of the backbone, in (0, 1], 1 by default.

    Raises:
        ValueError: If ``paramwise_cfg`` has another key, or ``layer_decay`` is out of range.
    """

    def __init__(self, optim_wrapper_cfg: dict[str, Any], paramwise_cfg: dict[str, Any] | None = None) -> None:
        self.optim_wrapper_cfg = dict(optim_wrapper_cfg)
        self.optimizer_cfg = dict(self.optim_wrapper_cfg.pop('optimizer'))
        settings = dict(paramwise_cfg or {})
        self.backbone_lr_mult = settings.pop('backbone_lr_mult', 1.0)
        self.layer_decay = settings.pop('layer_decay', 1.0)
        if settings:
            raise ValueError(
                f'unknown keys of paramwise_cfg: {sorted(settings)}; known are backbone_lr_mult and layer_decay; '
                "custom_keys and others of mmengine need optim_wrapper.constructor='DefaultOptimWrapperConstructor'"
            )
        if not 0 < self.layer_decay <= 1:
            raise ValueError(f'paramwise_cfg.layer_decay must be in (0, 1], got {self.layer_decay}: 0.8 is usual')

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Build the optimizer of the model's trainable parameters, and its wrapper.

        Raises:
            ValueError: If ``layer_decay`` is set and the backbone does not number its layers.
        """
        model = getattr(model, 'module', model)
        above = self._layers_above(model)
        groups: dict[tuple[bool, int, bool], list[nn.Parameter]] = defaultdict(list)
        for name, parameter, decays in decayed_parameters(model):
            groups[name.startswith('backbone.'), above.get(name, 0), decays].append(parameter)
        lr = self.optimizer_cfg['lr']
        self.optimizer_cfg['params'] = [
            dict(params=parameters, lr=lr * self.backbone_lr_mult * self.layer_decay**layers if in_backbone else lr)
            | ({} if decays else dict(weight_decay=0.0))
            for (in_backbone, layers, decays), parameters in groups.items()
        ]
        optimizer = OPTIMIZERS.build(self.optimizer_cfg)
        defaults = dict(type='OptimWrapper', optimizer=optimizer)
        return OPTIM_WRAPPERS.build(self.optim_wrapper_cfg, default_args=defaults)

    def _layers_above(self, model: nn.Module) -> dict[str, int]:
        """Number of layers of the backbone that come after each parameter; empty without layer-wise learning rates."""
        if self.layer_decay == 1:
            return {}
        backbone: Any = model.get_submodule('backbone')
        if not hasattr(backbone, 'layers_above'):
            raise ValueError(
                f'paramwise_cfg.layer_decay is {self.layer_decay}, but {type(backbone).__name__} does not number its '
                'layers: leave it out, or define layers_above() in the backbone, as TimmViT does'
            )
        return {WRAPPERS.sub('', f'backbone.{name}'): layers for name, layers in backbone.layers_above().items()}


def decayed_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter, bool]]:
    """Yield the name of each trainable parameter, the parameter, and whether it has weight decay.

    Parameters without it are those of norms and embeddings, and those that a module names in ``no_weight_decay()``,
    as models of timm do: names in the module, such as 'pos_embed' or 'blocks.0.attn.bias_table'. A parameter of a
    module of its own kind that does not declare it either way is decayed, and named in the log.
    """
    exempt = {name for prefix, module in model.named_modules() for name in _declared(prefix, module)}
    undeclared = []
    for prefix, module in model.named_modules():
        for name, parameter in module.named_parameters(WRAPPERS.sub('', prefix), recurse=False):
            if not parameter.requires_grad:
                continue
            decays = not (isinstance(module, (*NORMS, nn.Embedding)) or name in exempt)
            if decays and _is_special(module, name) and not hasattr(module, 'no_weight_decay'):
                undeclared.append(name)
            yield name, parameter, decays
    if undeclared:
        print_log(
            f'weight decay applies to {first_few(undeclared)}: if it should not, define no_weight_decay() in the '
            'module',
            logger='current',
        )


def _declared(prefix: str, module: nn.Module) -> Iterator[str]:
    """Full names of the parameters that a module exempts from weight decay."""
    declared = getattr(module, 'no_weight_decay', ())
    for name in declared() if callable(declared) else declared:
        yield WRAPPERS.sub('', f'{prefix}.{name}' if prefix else name)
    for name in SWIN_TABLES.intersection(name for name, _ in module.named_parameters(recurse=False)):
        yield WRAPPERS.sub('', f'{prefix}.{name}' if prefix else name)


def _is_special(module: nn.Module, name: str) -> bool:
    """Whether a parameter is not the weight or bias of a layer."""
    return name.rpartition('.')[2] not in ('weight', 'bias') and not type(module).__module__.startswith('torch.nn.')
