"""Child registries of scope ``mmoneformer``.

``default_scope = 'mmoneformer'`` is all that a config needs: a registry imports our modules at its first look-up.
Parts of other packages keep their prefix (``mmdet.ResNet``, ``mmseg.IoUMetric``).
"""

from mmengine import registry as mmengine_registry
from mmengine.registry import Registry


def _child(parent: Registry, *locations: str) -> Registry:
    return Registry(
        parent.name, parent=parent, scope='mmoneformer', locations=[f'mmoneformer.{name}' for name in locations]
    )


MODELS = _child(mmengine_registry.MODELS, 'models')
DATASETS = _child(mmengine_registry.DATASETS, 'datasets')
DATA_SAMPLERS = _child(mmengine_registry.DATA_SAMPLERS, 'datasets')
TRANSFORMS = _child(mmengine_registry.TRANSFORMS, 'datasets.transforms')
HOOKS = _child(mmengine_registry.HOOKS, 'engine.hooks')
METRICS = _child(mmengine_registry.METRICS, 'evaluation')
OPTIM_WRAPPERS = _child(mmengine_registry.OPTIM_WRAPPERS, 'engine.optimizers')
OPTIM_WRAPPER_CONSTRUCTORS = _child(mmengine_registry.OPTIM_WRAPPER_CONSTRUCTORS, 'engine.optimizers')
STRATEGIES = _child(mmengine_registry.STRATEGIES, 'engine.strategies')
VISUALIZERS = _child(mmengine_registry.VISUALIZERS, 'visualization')

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
