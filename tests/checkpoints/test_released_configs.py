import pytest

from mmoneformer.checkpoints.infer_config import image_scale
from mmoneformer.checkpoints.released_configs import find_released_configs


@pytest.mark.parametrize(
    ('backbone', 'dataset', 'name', 'scale', 'threshold'),
    [
        ('swin-l', 'ade20k', None, (2560, 640), 0.5),
        ('swin-l', 'ade20k', 'oneformer_swin-l_ade20k_1280', (5120, 1280), 0.5),
        ('swin-l', 'ade20k', 'oneformer_dinat-l_ade20k_1280', (2560, 640), 0.5),  # of another backbone
        ('r50', 'ade20k', None, (2048, 512), 0.5),
        ('dinat-l', 'cityscapes', None, (2048, 1024), 0.8),
        ('swin-t', 'mapillary', None, (2048, 2048), 0.8),  # there is no such config
        ('own', 'mapillary', None, (2048, 2048), 0.8),
        ('convnext-xl', None, None, (1333, 800), 0.8),
    ],
)
def test_how_models_are_tested(backbone, dataset, name, scale, threshold):
    data = find_released_configs(backbone, dataset, name).data
    assert image_scale(data) == scale
    assert data.model.test_cfg.object_mask_thr == threshold


def test_backbones():
    exact = find_released_configs('dinat-l', 'ade20k', 'oneformer_dinat-l_ade20k_1280')
    assert exact.is_exact
    assert exact.backbone.model.backbone.dilations[0] == (1, 28, 1)
    elsewhere = find_released_configs('swin-t', 'mapillary')
    assert not elsewhere.is_exact
    assert elsewhere.backbone.model.backbone.embed_dims == 96
    assert not find_released_configs('dinat-l', None).is_exact
    assert find_released_configs('own', 'coco').backbone is None
