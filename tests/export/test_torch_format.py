import subprocess
import sys

import pytest
import torch

from mmoneformer.export.description import describe
from mmoneformer.export.torch_format import TorchNetwork, write_torch
from mmoneformer.export.verification import TOLERANCES, compare

ALONE = """
import sys
import torch
for name in ('mmoneformer', 'mmengine', 'mmcv', 'mmdet', 'mmseg'):
    sys.modules[name] = None  # importing it fails
graph = torch.export.load(sys.argv[1]).module()
class_logits, mask_logits = graph(torch.zeros(2, 3, 64, 96), torch.tensor([2]))
print(list(class_logits.shape), list(mask_logits.shape))
"""


@pytest.fixture(scope='module')
def file(model, program, tmp_path_factory):
    path = tmp_path_factory.mktemp('torch') / 'model.pt2'
    write_torch(program, path, describe(model))
    return path


@pytest.mark.slow
def test_file(model, file):
    loaded = TorchNetwork(file)
    assert loaded.description == describe(model)
    assert TOLERANCES['float32'].accepts(list(compare(loaded, model)))


@pytest.mark.slow
def test_torch_alone_loads_it(file):
    told = subprocess.run([sys.executable, '-c', ALONE, file], capture_output=True, text=True, check=True)
    assert told.stdout == '[2, 1, 8, 5] [2, 1, 8, 16, 24]\n'


def test_files_of_others(tmp_path):
    torch.save({}, tmp_path / 'other.pt2')
    with pytest.raises(ValueError, match='other.pt2 is not a file that torch.export can load'):
        TorchNetwork(tmp_path / 'other.pt2')
