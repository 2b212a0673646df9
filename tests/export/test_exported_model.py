import pytest
import torch

from mmoneformer.checkpoints.safe_config import stored_config
from mmoneformer.checkpoints.safe_load import read_checkpoint
from mmoneformer.export.exported_model import ExportedOneFormer
from mmoneformer.registry import MODELS


@pytest.fixture
def exported_model(checkpoint, onnx_file):
    settings = stored_config(read_checkpoint(checkpoint), checkpoint).model
    return MODELS.build(settings | dict(type='ExportedOneFormer', exported=str(onnx_file), _scope_='mmoneformer'))


@torch.no_grad()
def test_logits_are_those_of_the_file_for_any_tasks(exported_model, model):
    """Its own weights are others, and are not used."""
    assert isinstance(exported_model.eval(), ExportedOneFormer)
    torch.manual_seed(0)
    images = {'inputs': [torch.randint(256, (3, 50, 90), dtype=torch.uint8)], 'data_samples': None}
    inputs = model.data_preprocessor(images)['inputs']
    for tasks in (('semantic',), ('instance', 'panoptic')):
        found, expected = (each(inputs, mode='tensor', tasks=tasks) for each in (exported_model, model))
        assert found.keys() == expected.keys()
        for task in tasks:
            for ours, theirs in zip(found[task], expected[task], strict=True):
                torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=0)


def test_another_file(checkpoint, onnx_file, tmp_path):
    settings = stored_config(read_checkpoint(checkpoint), checkpoint).model
    (tmp_path / 'photo.onnx').write_bytes(b'mine')
    with pytest.raises(ValueError, match=r'photo.onnx is not a file of ONNX that onnxruntime can run'):
        MODELS.build(settings | dict(type='mmoneformer.ExportedOneFormer', exported=str(tmp_path / 'photo.onnx')))
