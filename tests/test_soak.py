"""Hours in minutes: memory that stays where it is. ``SOAK_STEPS=200 pytest tests/test_soak.py`` is a quick look."""

import os
from pathlib import Path

import numpy as np
import psutil
import pytest
from mmengine.config import Config
from mmengine.hooks import Hook

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.apis.train_and_test import load_config, train
from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer.registry import HOOKS

ROOT = Path(__file__).parents[1]
STEPS = int(os.environ.get('SOAK_STEPS', 2000))
ALLOWED = 16  # MiB, between the middle and the end: less than a leak of 25 KiB in each of 2000 steps would make

pytestmark = pytest.mark.slow


def resident() -> dict[str, float]:
    """MiB of this process, and of its largest child."""
    own = psutil.Process()
    children = [child.memory_info().rss for child in own.children(recursive=True)]
    return {'process': own.memory_info().rss / 2**20, 'worker': max(children, default=0) / 2**20}


def assert_flat(history: list[dict[str, float]]) -> None:
    """Compare medians of the third and of the last quarter: before, caches fill and allocators find their size."""
    quarter = len(history) // 4
    for part in history[0]:
        values = [entry[part] for entry in history]
        middle, end = np.median(values[2 * quarter : 3 * quarter]), np.median(values[3 * quarter :])
        print(f'{part}: {values[0]:.0f} MiB at first, {middle:.0f} in the middle, {end:.0f} at the end')
        assert end - middle < ALLOWED, f'the memory of the {part} grows: {values}'


def test_memory_of_training_and_its_workers_is_flat(tmp_path, monkeypatch):
    history = []

    class MemoryHook(Hook):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            if self.every_n_train_iters(runner, 10):
                history.append(resident())

    monkeypatch.setitem(HOOKS.module_dict, 'MemoryHook', MemoryHook)
    write_shapes(tmp_path / 'shapes', num_train=50, num_val=2, size=64, seed=0)
    cfg = load_config(ROOT / 'configs/oneformer_tiny_shapes.py', work_dir=str(tmp_path / 'work'))
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.data_root = str(tmp_path / 'shapes')
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=STEPS, val_interval=STEPS + 1)
    cfg.custom_hooks = [*cfg.get('custom_hooks', []), dict(type='MemoryHook')]
    train(cfg)
    assert history[-1]['worker'] > 0
    assert_flat(history)


def test_memory_of_inference_over_many_sizes_is_flat():
    model = Config.fromfile(ROOT / 'tests/data/tiny_oneformer.py')
    model.model.backbone.init_cfg = None
    inferencer = OneFormerInferencer(model, device='cpu')
    rng = np.random.default_rng(0)
    history = []
    for _ in range(max(STEPS // 4, 40)):
        height, width = rng.integers(20, 500, 2)
        inferencer(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        history.append(resident())
    assert_flat(history)
