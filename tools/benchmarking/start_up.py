"""Time to import mmoneformer and build a small model in a new interpreter, and the number of imported modules.

transformers is a peer of this benchmark and no requirement of mmoneformer. mmengine and mmdet import it where it is
installed, which takes seconds, so it is hidden here.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarking.row import Row
from benchmarking.settings import Settings

NAME = 'start-up'
TARGET = 5.5  # seconds
CONFIG = Path(__file__).parents[2] / 'configs' / 'oneformer_tiny_shapes.py'
SCRIPT = f"""
import json, sys
from collections import Counter
sys.modules['transformers'] = None  # as if it were not installed
import mmoneformer
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmoneformer.registry import MODELS
init_default_scope('mmoneformer')
MODELS.build(Config.fromfile({str(CONFIG)!r}).model)
packages = Counter(name.partition('.')[0] for name, module in sys.modules.items() if module)
print(json.dumps(dict(packages.most_common())))
"""
NOTED = ('mmdet', 'mmseg', 'torchvision', 'matplotlib', 'pycocotools', 'pandas')


def start_up_rows(settings: Settings) -> list[Row]:
    """Measure it; the row lists the number of imported modules of some packages."""
    runs = [_run() for _ in range(settings.rounds)]
    seconds = [time_taken for time_taken, _ in runs]
    counts = runs[0][1]
    imported = ', '.join(f'{name} {counts[name]}' for name in NOTED if name in counts)
    value = median(seconds)
    row = Row(
        name=NAME,
        what=f'`import mmoneformer` and building the tiny model (imported modules: {imported})',
        unit='s',
        ours=value,
        value=value,
        target=TARGET,
        raw=dict(ours=seconds),
    )
    return [row]


def _run() -> tuple[float, dict[str, int]]:
    start = time.perf_counter()
    done = subprocess.run([sys.executable, '-c', SCRIPT], capture_output=True, text=True, check=True)
    return time.perf_counter() - start, json.loads(done.stdout.splitlines()[-1])
