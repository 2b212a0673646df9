import pytest
import torch

from mmoneformer.apis.precision import check_precision, computing_in


@pytest.mark.parametrize('precision', ['float32', 'bfloat16'])
def test_products_have_the_precision(precision):
    ones = torch.ones(2, 3)
    with computing_in(precision, torch.device('cpu')):
        assert (ones @ ones.T).dtype is getattr(torch, precision)
    assert (ones @ ones.T).dtype is torch.float32


def test_unknown_precision():
    with pytest.raises(ValueError, match=r"unknown precision 'half': choose one of \['float32', 'bfloat16'"):
        check_precision('half')
