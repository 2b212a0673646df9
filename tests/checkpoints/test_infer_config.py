import logging

import pytest

from mmoneformer.checkpoints.infer_config import SourceInfo, infer_config
from mmoneformer.checkpoints.official import from_official
from mmoneformer.metainfo import resolve_metainfo

DILATIONS = [[1, 4], [1, 2], [1, 2], [1]]


@pytest.fixture
def convnext(official_weights):
    return from_official(official_weights('convnext_small'))


@pytest.fixture
def dinat(official_weights):
    return from_official(official_weights('dinat_small'))


def test_cityscapes_by_its_number_of_classes(convnext, caplog):
    with caplog.at_level(logging.INFO):
        cfg = infer_config(convnext, SourceInfo(), cfg_options={})
    assert cfg.model.metainfo == 'cityscapes'
    assert cfg.model.test_cfg == dict(object_mask_thr=0.8, overlap_thr=0.8)
    assert [step['type'] for step in cfg.test_pipeline][1:3] == ['mmdet.Resize', 'LoadPanopticMap']
    assert cfg.test_pipeline[1].scale == (2048, 1024)
    assert "'test images': '2048 x 1024 at most'" in caplog.text
    assert "'drop_path_rate': 0.4" in caplog.text


def test_what_came_with_the_weights_wins(convnext, dinat):
    names = tuple(f'class {index}' for index in range(19))
    info = SourceInfo(metainfo=dict(classes=names, thing_ids=(3,)), scale=(300, 200))
    cfg = infer_config(convnext, info, cfg_options={'model.test_cfg.overlap_thr': 0.25})
    assert cfg.model.metainfo.classes == names
    assert cfg.test_pipeline[1].scale == (300, 200)
    assert cfg.model.test_cfg.overlap_thr == 0.25
    cfg = infer_config(dinat, SourceInfo(backbone=dict(dilations=DILATIONS)), cfg_options={})
    assert cfg.model.backbone.dilations == DILATIONS
    assert 'depths' not in cfg.model.backbone


@pytest.mark.parametrize(('released', 'scale'), [(None, (2560, 640)), ('oneformer_dinat-l_ade20k_1280', (5120, 1280))])
def test_crop_of_ade20k(dinat, released, scale):
    cfg = infer_config(dinat, SourceInfo(released_name=released), cfg_options={'model.backbone.dilations': DILATIONS})
    assert cfg.test_pipeline[1].scale == scale
    assert cfg.model.test_cfg.object_mask_thr == 0.5
    assert cfg.model.backbone.dilations == DILATIONS


def test_metadata_of_a_known_data_set_is_called_by_its_name(convnext):
    known = resolve_metainfo('cityscapes')
    metainfo = {key: known[key] for key in ('classes', 'thing_ids')}
    assert infer_config(convnext, SourceInfo(metainfo=metainfo), cfg_options={}).model.metainfo == 'cityscapes'


def test_dilations_that_are_unknown(dinat):
    with pytest.raises(ValueError, match=r'--cfg-options "model\.backbone\.dilations='):
        infer_config(dinat, SourceInfo(), cfg_options={})


def test_number_of_classes(convnext):
    with pytest.raises(ValueError, match='the weights have 19 classes, coco has 133'):
        infer_config(convnext, SourceInfo(), dataset='coco', cfg_options={})
    for key in ('weight', 'bias'):
        key = f'panoptic_head.prediction.classify.{key}'
        convnext[key] = convnext[key][:7]
    with pytest.raises(
        ValueError, match='6 classes, which is not the number of a known data set .*: name the data set with --dataset'
    ):
        infer_config(convnext, SourceInfo(), cfg_options={})


def test_a_resnet_of_another_expansion_needs_the_name_of_its_class(official_weights):
    weights = from_official(official_weights('r50_small'))
    with pytest.raises(ValueError, match=r'--cfg-options model\.backbone\.type=NAME'):
        infer_config(weights, SourceInfo(), cfg_options={})
    cfg = infer_config(weights, SourceInfo(), cfg_options={'model.backbone.type': 'NarrowResNet'})
    assert (cfg.model.backbone.type, cfg.model.backbone.depth) == ('NarrowResNet', 50)
