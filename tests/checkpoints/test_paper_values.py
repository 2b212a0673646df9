from pathlib import Path

import pytest
from mmengine.config import Config

from mmoneformer.checkpoints.model_zoo import RELEASED, crop_of_file
from mmoneformer.checkpoints.paper_values import (
    DATASET_OF_CLASSES,
    LARGE_CROP,
    dinat_dilations,
    settings_in_test,
)
from mmoneformer.metainfo import resolve_metainfo

CONFIGS = Path(__file__).parents[2] / 'configs'


@pytest.mark.parametrize('name', RELEASED)
def test_values_are_those_of_the_config_of_each_released_model(name):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    dataset = cfg.model.metainfo
    crop = crop_of_file(Path(RELEASED[name]).name) or LARGE_CROP
    settings = settings_in_test(dataset, crop)
    (scale,) = (step.scale for step in cfg.test_pipeline if 'scale' in step)
    assert settings.scale == tuple(scale)
    assert settings.object_mask_thr == cfg.model.test_cfg.object_mask_thr
    backbone = cfg.model.backbone
    if backbone.type == 'DiNAT':
        depths = [len(level) for level in backbone.dilations]
        assert dinat_dilations(dataset, crop, depths) == [list(level) for level in backbone.dilations]


def test_classes():
    for count, name in DATASET_OF_CLASSES.items():
        assert len(resolve_metainfo(name)['classes']) == count


def test_other_data_sets_are_tested_like_coco():
    assert settings_in_test(None, 640) == settings_in_test('coco', 512)


@pytest.mark.parametrize(('dataset', 'depths'), [(None, [3, 4, 18, 5]), ('coco', [2, 2, 2, 1])])
def test_dilations_that_the_paper_does_not_have(dataset, depths):
    with pytest.raises(ValueError, match=r'model\.backbone\.dilations='):
        dinat_dilations(dataset, 640, depths)
