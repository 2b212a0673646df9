import pytest
import torch
from benchmarking.gpu import machine
from benchmarking.precision import PRECISIONS


def test_a_description_has_the_rate_of_each_precision():
    described = machine.describe('cpu', quick=True)
    assert described.matrix_rates.keys() == set(PRECISIONS)
    assert all(rate > 0 for rate in described.matrix_rates.values())
    assert described.facts['gpu'] is None
    assert 'torch' in described.facts['versions']


def test_rate_of_products(monkeypatch):
    monkeypatch.setattr(machine, '_seconds', lambda product, device: 0.5)
    before = torch.backends.cudnn.allow_tf32
    assert machine.matrix_rate('tf32', 'cpu', 10) == pytest.approx(2 * 10**3 * machine.PRODUCTS / 0.5)
    assert torch.backends.cudnn.allow_tf32 == before
