import json
import subprocess
import sys

import pytest

CONTRACT = {
    'models': ['OneFormer', 'OneFormerHead', 'MSDeformAttnPixelDecoder', 'TextMapper', 'TextEncoder']
    + ['QueryTextContrastiveLoss'],
    'datasets': ['PanopticSegDataset'],
    'transforms': ['LoadPanopticMap', 'SampleTask', 'PackOneFormerInputs'],
    'metrics': ['PanopticQuality', 'ThingInstanceAP'],
}
# Runs on its own, so that nothing is imported but what the scope of a config makes mmengine import.
LOOK_UP = """
import json, sys
from mmengine import registry
from mmengine.config import Config

registry.init_default_scope(Config({'default_scope': 'mmoneformer'}).default_scope)
found = {}
for kind, names in json.loads(sys.argv[1]).items():
    with getattr(registry, kind.upper()).switch_scope_and_registry(None) as scoped:  # as build() does
        found.update({name: getattr(scoped.get(name), '__module__', 'nowhere') for name in names})
backbone = registry.MODELS.build({'type': 'mmdet.ResNet', 'depth': 18})
metric = registry.METRICS.build({'type': 'mmseg.IoUMetric'})
found.update({name: type(part).__module__ for name, part in (('ResNet', backbone), ('IoUMetric', metric))})
print(json.dumps(found))
"""


@pytest.fixture(scope='module')
def modules():
    """Modules that registered names come from, looked up with nothing but the default scope of a config."""
    command = [sys.executable, '-c', LOOK_UP, json.dumps(CONTRACT)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize('name', [name for names in CONTRACT.values() for name in names])
def test_default_scope_is_enough_for_our_names(modules, name):
    assert modules[name].startswith('mmoneformer.')


@pytest.mark.parametrize(('name', 'package'), [('ResNet', 'mmdet.'), ('IoUMetric', 'mmseg.')])
def test_borrowed_parts_are_built_by_their_prefix(modules, name, package):
    assert modules[name].startswith(package)
