"""Child registries of scope ``mmoneformer``.

``default_scope = 'mmoneformer'`` is all that a config needs: a registry imports our modules at its first look-up.
Parts of other packages keep their prefix (``mmdet.ResNet``, ``mmseg.IoUMetric``).
"""

from functools import cache

from mmengine import registry as mmengine_registry
from mmengine.registry import Registry


class _Transforms(Registry):
    """Also finds some of mmdet's transforms without their prefix.

    mmdet's take seconds to import, so they are imported for a name that is none of ours and of mmcv's.
    """

    def get(self, key: str) -> type | None:
        """Return the class of a name, as ``Registry.get`` does."""
        self.import_from_location()
        known = (*self.module_dict, *mmengine_registry.TRANSFORMS.module_dict)  # mmcv's are in mmengine's
        if '.' not in key and key not in known:
            _borrow_transforms()
        return super().get(key)


@cache
def _borrow_transforms() -> None:
    import mmdet.datasets.transforms as of_mmdet
    from mmdet.datasets.transforms.augment_wrappers import RANDAUG_SPACE, policies_v0

    # inference_model of mmseg.apis and MMSegInferencer look the loaders up without a scope, and mmdet.RandAugment and
    # mmdet.AutoAugment what they draw from
    drawn = {augmentation['type'] for policy in (*RANDAUG_SPACE, *policies_v0()) for augmentation in policy}
    for name in ('InferencerLoader', 'LoadImageFromNDArray', *sorted(drawn)):
        TRANSFORMS.register_module(module=getattr(of_mmdet, name))


def _child(parent: Registry, *locations: str, kind: type[Registry] = Registry) -> Registry:
    return kind(
        parent.name, parent=parent, scope='mmoneformer', locations=[f'mmoneformer.{name}' for name in locations]
    )


MODELS = _child(mmengine_registry.MODELS, 'models')
DATASETS = _child(mmengine_registry.DATASETS, 'datasets.multi_source_dataset', 'datasets.panoptic_dataset')
DATA_SAMPLERS = _child(mmengine_registry.DATA_SAMPLERS, 'datasets.resumable_loading')
TRANSFORMS = _child(mmengine_registry.TRANSFORMS, 'datasets.transforms', kind=_Transforms)
HOOKS = _child(mmengine_registry.HOOKS, 'engine.hooks')
METRICS = _child(mmengine_registry.METRICS, 'evaluation')
OPTIM_WRAPPERS = _child(mmengine_registry.OPTIM_WRAPPERS, 'engine.optimizers')
OPTIM_WRAPPER_CONSTRUCTORS = _child(mmengine_registry.OPTIM_WRAPPER_CONSTRUCTORS, 'engine.optimizers')
STRATEGIES = _child(mmengine_registry.STRATEGIES, 'engine.strategies')
VISUALIZERS = _child(mmengine_registry.VISUALIZERS, 'visualization.visualizer')

# Without a child of our scope mmengine warns, and then takes the parent as it would have anyway.
for _parent in (
    mmengine_registry.EVALUATOR,
    mmengine_registry.FUNCTIONS,
    mmengine_registry.INFERENCERS,
    mmengine_registry.LOG_PROCESSORS,
    mmengine_registry.LOOPS,
    mmengine_registry.MODEL_WRAPPERS,
    mmengine_registry.OPTIMIZERS,
    mmengine_registry.PARAM_SCHEDULERS,
    mmengine_registry.RUNNER_CONSTRUCTORS,
    mmengine_registry.RUNNERS,
    mmengine_registry.TASK_UTILS,
    mmengine_registry.VISBACKENDS,
    mmengine_registry.WEIGHT_INITIALIZERS,
):
    _child(_parent, 'registry')  # nothing to import; without a location, mmengine would look for mmoneformer.utils
