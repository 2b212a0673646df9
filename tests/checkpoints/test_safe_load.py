import argparse
import os
import pickle

import numpy as np
import pytest
import torch
from mmengine.hooks import EMAHook
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.optim import OneCycleLR
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset

from mmoneformer.checkpoints.safe_load import allow_mmengine_globals, check_weight_file, read_checkpoint


class Line(BaseModel):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 1)

    def forward(self, inputs, mode='loss'):
        return {'loss': self.linear(torch.stack(inputs)).square().mean()}


class Points(Dataset):
    metainfo = {'classes': ('sky', 'cat'), 'thing_ids': (1,), 'palette': [(0, 0, 255), (255, 0, 0)]}

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return {'inputs': torch.full((3,), float(index))}


def make_runner(work_dir, epochs, **kwargs):
    return Runner(
        model=Line(),
        work_dir=str(work_dir),
        train_dataloader={'dataset': Points(), 'batch_size': 2, 'sampler': {'type': 'DefaultSampler'}},
        train_cfg={'by_epoch': True, 'max_epochs': epochs},
        optim_wrapper={'optimizer': {'type': 'AdamW', 'lr': 0.1}},
        param_scheduler=[{'type': 'LinearLR', 'by_epoch': False, 'end': 2}, {'type': 'PolyLR'}],
        custom_hooks=[{'type': 'EMAHook'}],
        default_hooks={'logger': {'type': 'LoggerHook', 'interval': 1}},
        experiment_name=f'{work_dir.name}-{epochs}',
        **kwargs,
    )


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('trained')
    runner = make_runner(work_dir, epochs=1)
    runner.message_hub.update_info('best_score', np.float32(0.25))
    runner.train()
    return runner, work_dir / 'epoch_1.pth'


def test_reads_what_a_runner_stores(trained):
    runner, path = trained
    checkpoint = read_checkpoint(path)
    averaged = next(hook for hook in runner.hooks if isinstance(hook, EMAHook)).ema_model.module.state_dict()
    torch.testing.assert_close(dict(checkpoint['state_dict']), dict(averaged))
    assert checkpoint['meta']['dataset_meta'] == Points.metainfo
    assert checkpoint['message_hub']['runtime_info']['best_score'] == 0.25
    losses = checkpoint['message_hub']['log_scalars']['train/loss']
    np.testing.assert_array_equal(losses.data[0], runner.message_hub.get_scalar('train/loss').data[0])
    assert losses.mean() == pytest.approx(losses.data[0].mean())


def test_mmengine_resumes(trained):
    runner, path = trained
    allow_mmengine_globals()
    resumed = make_runner(path.parent, epochs=2, resume=True)
    resumed.train()
    assert resumed.iter == 4
    assert len(resumed.message_hub.get_scalar('train/loss').data[0]) == 4


class RunsCommand:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize('zipped', [True, False])
def test_code_is_rejected_and_not_run(tmp_path, zipped, monkeypatch):
    monkeypatch.delenv(
        'TORCH_FORCE_WEIGHTS_ONLY_LOAD', raising=False
    )  # training sets it, and the attack below needs the unsafe loader
    trace = tmp_path / 'was_here'
    path = tmp_path / 'x.pth'
    torch.save({'state_dict': RunsCommand(f'touch {trace}')}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match=r'rejected: it refers to \w+\.system, which .* could run any code'):
        read_checkpoint(path)
    assert not trace.exists()
    torch.load(path, weights_only=False)
    assert trace.exists(), 'the file is a real attack'


class FetchesAttribute:
    def __init__(self, owner, name):
        self.arguments = owner, name

    def __reduce__(self):
        return getattr, self.arguments


@pytest.mark.parametrize(
    ('owner', 'name'), [(HistoryBuffer, '__init__'), (np.ndarray, 'tofile'), (HistoryBuffer, 'no_such')]
)
def test_fetches_no_attributes_but_statistics(tmp_path, owner, name):
    torch.save({'x': FetchesAttribute(owner, name)}, tmp_path / 'x.pth')
    with pytest.raises(ValueError, match=rf"rejected: it refers to getattr\(<class .*>, '{name}'\)"):
        read_checkpoint(tmp_path / 'x.pth')


def test_names_the_class_of_an_unusual_scheduler(tmp_path):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = OneCycleLR(optimizer, eta_max=0.1, total_steps=4)
    torch.save({'param_schedulers': [scheduler.state_dict()]}, tmp_path / 'x.pth')
    with pytest.raises(ValueError, match='OneCycleParamScheduler'):
        read_checkpoint(tmp_path / 'x.pth')


def test_says_how_to_allow_a_class(tmp_path):
    path = tmp_path / 'x.pth'
    torch.save({'args': argparse.Namespace(width=3)}, path)
    with pytest.raises(ValueError, match=r'add_safe_globals\(\[argparse\.Namespace\]\)'):
        read_checkpoint(path)
    before = torch.serialization.get_safe_globals()
    torch.serialization.add_safe_globals([argparse.Namespace])
    try:
        assert read_checkpoint(path)['args'].width == 3
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


@pytest.mark.parametrize('dtype', ['bool', 'uint8', 'int32', 'int64', 'float16', 'float32', 'float64'])
def test_reads_numpy(tmp_path, dtype):
    expected = np.array([[0, 1, 2]], dtype)
    torch.save({'array': expected, 'number': expected[0, 1]}, tmp_path / 'x.pth')
    checkpoint = read_checkpoint(tmp_path / 'x.pth')
    np.testing.assert_array_equal(checkpoint['array'], expected, strict=True)
    assert checkpoint['number'] == 1
    assert checkpoint['number'].dtype == dtype


@pytest.mark.parametrize('module', ['numpy.core', 'numpy._core'])
def test_reads_numpy_of_another_version(tmp_path, module):
    path = tmp_path / 'x.pth'
    torch.save({'array': np.arange(3), 'number': np.float32(2)}, path, _use_new_zipfile_serialization=False)
    written = np.zeros(0).__reduce__()[0].__module__.rpartition('.')[0]
    path.write_bytes(path.read_bytes().replace(f'{written}.'.encode(), f'{module}.'.encode()))
    checkpoint = read_checkpoint(path)
    np.testing.assert_array_equal(checkpoint['array'], np.arange(3))
    assert checkpoint['number'] == 2


@pytest.mark.filterwarnings('ignore:Detected pickle protocol')
def test_says_that_a_file_is_damaged(tmp_path):
    (tmp_path / 'x.pth').write_bytes(pickle.dumps({'x': 1}, protocol=5))
    with pytest.raises(ValueError, match=r'x\.pth is damaged, or not a checkpoint \(\w+\): download or copy it again'):
        read_checkpoint(tmp_path / 'x.pth')
    (tmp_path / 'x.pth').write_bytes(b'<html>404 not found</html>')
    with pytest.raises(ValueError, match=r'x\.pth is not a checkpoint: it is a web page'):
        read_checkpoint(tmp_path / 'x.pth')


def test_says_that_there_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'nothing\.pth'):
        read_checkpoint(tmp_path / 'nothing.pth')


def test_a_checkpoint_is_a_dict(tmp_path):
    torch.save([torch.zeros(1)], tmp_path / 'x.pth')
    with pytest.raises(ValueError, match='contains a list, a checkpoint is a dict'):
        read_checkpoint(tmp_path / 'x.pth')


def test_its_meta_is_a_dict(tmp_path):
    torch.save({'state_dict': {}, 'meta': 'of another code'}, tmp_path / 'x.pth')
    with pytest.raises(ValueError, match=r'x\.pth has a str as meta'):
        read_checkpoint(tmp_path / 'x.pth')


def test_moves_tensors(tmp_path):
    torch.save({'weight': torch.zeros(2)}, tmp_path / 'x.pth')
    assert read_checkpoint(tmp_path / 'x.pth', map_location='meta')['weight'].device.type == 'meta'


LFS = b'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n'


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'it is empty'),
        (LFS, 'it is a pointer of git-lfs; .* git lfs pull'),
        (b'\n<!DOCTYPE html><html><body>404</body></html>', 'it is a web page'),
        (b'nothing', "it is a text that begins with 'nothing'"),
        (b'\x08\0\0\0\0\0\0\0{"a":{} }', 'it is in the format of safetensors; convert the folder'),
        (b'\x89PNG\r\n\x1a\n\0\0', 'it begins with the bytes 89 50 4e 47, which torch.save does not write'),
        (b'PK\x03\x04' + b'\0' * 99, 'it is truncated'),
    ],
)
def test_says_what_a_file_is(tmp_path, content, message):
    (tmp_path / 'x.pth').write_bytes(content)
    with pytest.raises(ValueError, match=rf'x\.pth is not a checkpoint: {message}'):
        check_weight_file(tmp_path / 'x.pth')


@pytest.mark.parametrize('zipped', [True, False])
def test_checkpoints(tmp_path, zipped):
    path = tmp_path / 'x.pth'
    torch.save({'weight': torch.zeros(99)}, path, _use_new_zipfile_serialization=zipped)
    check_weight_file(path)
    if zipped:
        path.write_bytes(path.read_bytes()[:500])
        with pytest.raises(ValueError, match='it is truncated'):
            check_weight_file(path)


def test_folder(tmp_path):
    with pytest.raises(IsADirectoryError, match=r'is a folder: name the \.pth file in it'):
        check_weight_file(tmp_path)


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('iter_1000.pth', r"iter_1000\.pth is not a file, .*; similar names: 'iter_10000\.pth'"),
        ('oneformer_swin-l_cocoo', "similar names: .*'oneformer_swin-l_coco'"),
        ('qqq', r'\(docs/model_zoo\.md lists them\)'),
    ],
)
def test_similar_names(tmp_path, name, message):
    (tmp_path / 'iter_10000.pth').touch()
    with pytest.raises(FileNotFoundError, match=message):
        check_weight_file(tmp_path / name)
