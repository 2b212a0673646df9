from types import SimpleNamespace

import mmengine.device
import pytest
import torch

from mmoneformer.apis.device import (
    CPU_INSTRUCTIONS,
    autocast,
    check_precision,
    predicts_in_processes,
    resolve_device,
    trains_on_accelerator,
    warn_if_slow,
)


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


@pytest.fixture
def messages(monkeypatch):
    logged = []
    monkeypatch.setattr('mmoneformer.apis.device.print_log', lambda message, **_: logged.append(message))
    return logged


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


@pytest.mark.parametrize(
    ('precision', 'device', 'listed', 'slow'),
    [
        ('bfloat16', 'cpu', {'avx2': True, 'avx512_bf16': False, 'amx_bf16': False}, True),
        ('bfloat16', 'cpu', {'avx2': True, 'avx512_bf16': True, 'amx_bf16': False}, False),
        ('bfloat16', 'cpu', {'neon': True, 'bf16': False}, True),
        ('float16', 'cpu', {'avx512_bf16': True, 'avx512_fp16': False}, True),
        ('float16', 'cpu', {'neon': True, 'fp16_arith': True}, False),
        ('bfloat16', 'cpu', {'architecture': 'of another kind'}, False),
        ('bfloat16', 'meta', {'avx512_bf16': False}, False),
        ('float32', 'cpu', {'avx512_bf16': False}, False),
    ],
)
def test_warns_of_cpus_without_instructions(monkeypatch, messages, precision, device, listed, slow):
    monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda: listed, raising=False)
    warn_if_slow(precision, torch.device(device))
    assert len(messages) == slow
    assert all(
        message.startswith(f'this CPU has no instructions for {precision}, which takes') for message in messages
    )


def test_names_of_instructions_are_those_of_torch():
    """Those of this CPU's architecture are listed, whether it has them or not."""
    if not hasattr(torch.cpu, 'get_capabilities'):
        pytest.skip('this torch does not list instructions')
    listed = torch.cpu.get_capabilities()
    assert all(any(name in listed for name in names) for names in CPU_INSTRUCTIONS.values())


def test_old_versions_of_torch_give_no_warning(monkeypatch, messages):
    monkeypatch.delattr(torch.cpu, 'get_capabilities', raising=False)
    warn_if_slow('bfloat16', torch.device('cpu'))
    assert messages == []


def test_unknown_precision():
    with pytest.raises(ValueError, match=r"unknown precision 'half': choose one of \['float32', 'bfloat16'"):
        check_precision('half')


@pytest.mark.parametrize(
    ('device', 'system', 'threads', 'count', 'gigabytes', 'expected'),
    [
        ('cpu', 'linux', 2, 2, 8, True),
        ('cpu', 'linux', 2, 8, 32, True),
        ('meta', 'linux', 2, 2, 8, False),
        ('cpu', 'darwin', 2, 2, 8, False),
        ('cpu', 'linux', 1, 2, 8, False),
        ('cpu', 'linux', 16, 8, 64, False),
        ('cpu', 'linux', 2, 2, 3, False),
    ],
)
def test_processes_predict_with_a_thread_each(monkeypatch, device, system, threads, count, gigabytes, expected):
    monkeypatch.setattr('sys.platform', system)
    monkeypatch.setattr(torch, 'get_num_threads', lambda: threads)
    monkeypatch.setattr('mmoneformer.apis.device.available_memory', lambda: gigabytes * 2**30)
    assert predicts_in_processes(torch.device(device), count) == expected
