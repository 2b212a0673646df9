import pytest
import torch
from mmdet.registry import MODELS as MMDET_MODELS
from mmengine.registry import MODELS as ROOT_MODELS

from mmoneformer.checkpoints.registered_parts import registered_parts_only
from mmoneformer.registry import MODELS


@pytest.mark.parametrize('registry', [MODELS, MMDET_MODELS, ROOT_MODELS])
@pytest.mark.parametrize(
    'name', ['os.mkdir', 'mmdet.os.mkdir', 'mmengine.mkdir_or_exist', 'mmoneformer.os.mkdir', 'torch.save', 'no_such']
)
def test_builds_nothing_else(tmp_path, registry, name):
    trace = tmp_path / 'was_here'
    arguments = {'torch.save': {'f': trace, 'obj': 1}, 'mmengine.mkdir_or_exist': {'dir_name': trace}}
    with (
        pytest.raises(ValueError, match="the checkpoint's config wants to build '.*', which is not registered"),
        registered_parts_only(),
    ):
        registry.build({'type': name, **arguments.get(name, {'path': trace})})
    assert not trace.exists()


def test_the_danger_is_real(tmp_path):
    ROOT_MODELS.build({'type': 'mmengine.mkdir_or_exist', 'dir_name': tmp_path / 'was_here'})
    assert (tmp_path / 'was_here').exists()


def test_builds_registered_parts():
    with registered_parts_only():
        pool = MODELS.build({'type': 'mmdet.ChannelMapper', 'in_channels': [4], 'out_channels': 2, 'norm_cfg': None})
    assert pool((torch.zeros(1, 4, 3, 5),))[0].shape == (1, 2, 3, 5)


def test_other_errors_pass():
    with pytest.raises(TypeError, match='unexpected keyword'), registered_parts_only():
        MODELS.build({'type': 'mmdet.ChannelMapper', 'no_such_option': 1})
    assert ROOT_MODELS.get('torch.nn.Linear') is torch.nn.Linear
