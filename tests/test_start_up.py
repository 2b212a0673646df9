"""What takes seconds to import and prediction does without; ``tools/benchmark.py`` measures the time."""

import json
import subprocess
import sys
from pathlib import Path

CONFIG = Path(__file__).parents[1] / 'configs' / 'oneformer_tiny_shapes.py'
COMPILERS = ('torch._dynamo', 'torch._inductor', 'triton')
OF_TRAINING = ('mmdet.datasets', 'mmdet.evaluation', 'mmdet.models', 'mmseg', 'pycocotools.cocoeval', 'scipy')
OF_OTHERS = ('matplotlib', 'pandas', 'torchvision')
PREDICT = """
import sys
sys.modules['transformers'] = None  # mmengine imports it where it is installed
import numpy as np
from mmoneformer.apis import OneFormerInferencer
inferencer = OneFormerInferencer(sys.argv[1], device='cpu')
inferencer([np.zeros((40, 64, 3), np.uint8)], tasks=('panoptic', 'instance', 'semantic'))
import json
print(json.dumps(list(sys.modules)))
"""


def test_prediction_imports_only_what_it_uses():
    done = subprocess.run([sys.executable, '-c', PREDICT, CONFIG], capture_output=True, text=True, check=True)
    imported = json.loads(done.stdout.splitlines()[-1])
    assert 'mmdet.structures' in imported
    assert not {*imported} & {*COMPILERS, *OF_TRAINING, *OF_OTHERS}
