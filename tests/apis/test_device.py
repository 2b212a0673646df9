from types import SimpleNamespace

import mmengine.device
import pytest
import torch

from mmoneformer.apis.device import autocast, check_precision, resolve_device, trains_on_accelerator


def backend(count):
    return SimpleNamespace(is_available=lambda: count > 0, device_count=lambda: count)


@pytest.fixture
def machine(monkeypatch):
    """A machine with so many devices of each type; XPU and NPU need a package that may be missing."""

    def build(cuda=0, xpu=0, mps=0, npu=None):
        monkeypatch.setattr(torch.backends.mps, 'is_available', lambda: mps > 0)
        for name, count in (('cuda', cuda), ('xpu', xpu), ('npu', npu)):
            monkeypatch.setattr(torch, name, None if count is None else backend(count), raising=False)

    return build


@pytest.mark.parametrize(
    ('devices', 'expected'),
    [
        (dict(), 'cpu'),
        (dict(cuda=2, xpu=1), 'cuda'),
        (dict(xpu=1), 'xpu'),
        (dict(mps=1), 'mps'),
    ],
)
def test_auto_prefers_an_accelerator(machine, devices, expected):
    machine(**devices)
    assert resolve_device() == resolve_device('auto') == torch.device(expected)


@pytest.mark.parametrize('device', ['cpu', 'meta', torch.device('cpu')])
def test_a_device_that_is_always_there(device):
    assert resolve_device(device) == torch.device(device)


def test_numbered_device(machine):
    machine(cuda=2)
    assert resolve_device('cuda:1') == torch.device('cuda', 1)
    with pytest.raises(ValueError, match="device is 'cuda:2', but torch .* finds 2 CUDA devices: use 'auto' or 'cpu'"):
        resolve_device('cuda:2')


@pytest.mark.parametrize('device', ['cuda', 'cuda:0', 'xpu', 'mps'])
def test_missing_device(machine, device):
    machine()
    name = device.partition(':')[0].upper()
    with pytest.raises(ValueError, match=f"device is '{device}', but torch .* finds no {name} device: use 'auto'"):
        resolve_device(device)


def test_unknown_device():
    with pytest.raises(ValueError, match="unknown device 'gpu': use 'auto', 'cpu' or for example 'cuda:0'"):
        resolve_device('gpu')


@pytest.mark.parametrize(('device', 'expected'), [('cuda', True), ('npu', True), ('cpu', False), ('mps', False)])
def test_accelerators_of_mmengine(monkeypatch, device, expected):
    monkeypatch.setattr(mmengine.device, 'get_device', lambda: device)
    assert trains_on_accelerator() is expected


@pytest.mark.parametrize('precision', ['float32', 'bfloat16'])
def test_products_have_the_precision(precision):
    ones = torch.ones(2, 3)
    with autocast(precision, torch.device('cpu')):
        assert (ones @ ones.T).dtype is getattr(torch, precision)
    assert (ones @ ones.T).dtype is torch.float32


def test_unknown_precision():
    with pytest.raises(ValueError, match=r"unknown precision 'half': choose one of \['float32', 'bfloat16'"):
        check_precision('half')
