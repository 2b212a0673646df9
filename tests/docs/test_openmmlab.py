"""The tools of mmdet and mmseg in the tables of docs/openmmlab.md work, or fail as is said there; and so do parts."""

import functools
import importlib.util
import re
import runpy
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from mmengine.config import Config

from mmoneformer.apis.train_and_test import load_config, train
from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer.registry import MODELS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'docs/openmmlab.md').read_text()
TABLES = dict(zip(('mmdet', 'mmseg'), PAGE.split("'s `tools/` | |")[1:], strict=True))
SMALL = f"""
_base_ = '{ROOT}/configs/oneformer_tiny_shapes.py'
train_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(data_root='shapes'))
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(data_root='shapes'))
test_dataloader = val_dataloader
train_cfg = dict(max_iters=2, val_interval=2)
work_dir = 'work'
tta_model = dict(type='SemanticTTA')
resizes = [dict(type='mmdet.Resize', scale=scale, keep_ratio=True) for scale in ((80, 64), (120, 96))]
packing = [[dict(type='LoadPanopticMap')], [dict(type='PackOneFormerInputs')]]
tta_pipeline = [dict(type='LoadImageFromFile'), dict(type='TestTimeAug', transforms=[resizes, *packing])]
"""
PREDICTED = (
    SMALL + "test_evaluator = [dict(type='PanopticQuality'), dict(type='DumpResults', out_file_path='all.pkl')]"
)
LOG = """{"lr": 0.1, "time": 0.2, "loss": 3.0, "iter": 1, "step": 1}
{"lr": 0.1, "time": 0.3, "loss": 2.0, "iter": 2, "step": 2}
{"PQ": 1.0, "step": 2}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Configs, weights, a log and data; what one tool writes, another reads."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('LOCAL_RANK', '0')
    write_shapes(Path('shapes'), num_train=2, num_val=1, size=64, seed=0)
    semantic = re.search(r'```python\n(.*?)```', PAGE, re.DOTALL)[1]
    for name, content in (
        ('mine.py', SMALL),
        ('semantic.py', semantic),
        ('predicted.py', PREDICTED),
        ('log.json', LOG),
    ):
        Path(name).write_text(content)
    model = MODELS.build(Config.fromfile('mine.py').model)
    meta = {'cfg': Config.fromfile('mine.py').pretty_text, 'dataset_meta': dict(model.dataset_meta)}
    torch.save({'state_dict': model.state_dict(), 'meta': meta}, 'x.pth')
    if not importlib.util.find_spec('seaborn'):  # which sets colors
        seaborn = ModuleType('seaborn')
        seaborn.set_style = print
        monkeypatch.setitem(sys.modules, 'seaborn', seaborn)
    return tmp_path


def run(package, command, monkeypatch):
    """Run a tool in this process; return what it raises."""
    tools = Path(importlib.util.find_spec(package).origin).parent / '.mim/tools'
    names = dict(CONFIG='mine.py', SEMANTIC='semantic.py', CHECKPOINT='x.pth', RESULTS='results.pkl')
    names |= dict(PREDICTIONS='all.pkl', LOG='log.json', CURVES='curves.png', PUBLISHED='published.pth', DIR='out')
    name, *arguments = shlex.split(re.sub(r'\b[A-Z]{3,}\b', lambda match: names[match[0]], command))
    monkeypatch.setattr(sys, 'argv', [name, *arguments])
    try:
        runpy.run_path(str(tools / name), run_name='__main__')
    except SystemExit as end:
        return end.code or None
    except Exception as error:
        return f'{type(error).__name__}: {error}'
    return None


def rows_of(package):
    """Commands of a table, and whether they work."""
    return re.findall(r'^\| `([^`]+)` \| (works|impossible)', TABLES[package], re.MULTILINE)


@pytest.mark.parametrize('package', TABLES)
def test_a_tool(package, folder, monkeypatch):
    command, expected = rows_of(package)[1]
    assert (command.startswith('test.py CONFIG CHECKPOINT'), expected) == (True, 'works')
    assert run(package, command, monkeypatch) is None
    assert [path.name for path in folder.glob('out/**/*.png')]


@pytest.mark.slow
@pytest.mark.parametrize('package', TABLES)
def test_tools(package, folder, monkeypatch):
    rows = rows_of(package)
    assert len(rows) > 10
    if package == 'mmdet':
        assert run(package, 'test.py predicted.py CHECKPOINT', monkeypatch) is None
    wrong = []
    for command, expected in rows:
        error = run(package, command, monkeypatch)
        if (error is None) != (expected == 'works'):
            wrong.append(f'{command}: {error or "works"}')
    assert not wrong, '\n'.join(wrong)
    assert [path.name for path in folder.glob('out/**/*.png')]


PARTS = {
    'custom_hooks': [
        dict(type='EMAHook', ema_type='mmdet.ExpMomentumEMA'),
        dict(type='EarlyStoppingHook', monitor='PQ', rule='greater'),
        dict(type='ProfilerHook', by_epoch=False, profile_times=1),
        dict(type='SyncBuffersHook'),
        dict(type='EmptyCacheHook'),
        dict(type='mmdet.NumClassCheckHook'),
        dict(type='mmdet.CheckInvalidLossHook'),
        dict(type='mmseg.SegVisualizationHook', draw=True, interval=1),
    ],
    'default_hooks.visualization': dict(type='mmdet.DetVisualizationHook', draw=True),
    'train_cfg': dict(type='EpochBasedTrainLoop', max_epochs=2, val_interval=1),
    'param_scheduler': [dict(type='CosineAnnealingLR', T_max=2, by_epoch=True)],
    'train_dataloader.batch_size': 1,
    'train_dataloader.batch_sampler': dict(type='mmdet.AspectRatioBatchSampler'),
    'optim_wrapper.constructor': 'DefaultOptimWrapperConstructor',
    'optim_wrapper.paramwise_cfg': dict(custom_keys=dict(backbone=dict(lr_mult=0.1))),
    'val_evaluator': [dict(type='PanopticQuality'), dict(type='mmseg.IoUMetric')],
}


@pytest.mark.usefixtures('folder')
def test_parts():
    cfg = load_config('mine.py', cfg_options={'auto_scale_lr.enable': True})
    for key, value in PARTS.items():
        *parents, last = key.split('.')
        functools.reduce(getattr, parents, cfg)[last] = value
    dataset = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = dict(type='ClassBalancedDataset', oversample_thr=0.9, dataset=dataset)
    runner = train(cfg)
    assert (runner.epoch, runner.iter) == (2, 2 * len(runner.train_dataloader))
    rate = cfg.optim_wrapper.optimizer.lr / 4 * 0.1 * 0.5  # batch of 1 for 4, backbone, second of two epochs
    assert runner.optim_wrapper.get_lr()['lr'][0] == pytest.approx(rate)
    assert {'val/PQ', 'val/mIoU'} <= runner.message_hub.log_scalars.keys()
