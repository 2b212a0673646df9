import logging

import pytest

from mmoneformer.checkpoints.infer_config import SourceInfo, given_classes, infer_config
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
    assert [step['type'] for step in cfg.test_pipeline][1:3] == ['Resize', 'LoadPanopticMap']
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
        ValueError, match='6 classes, which is not the number of a known data set .*: name the data set .* --classes'
    ):
        infer_config(convnext, SourceInfo(), cfg_options={})


def test_a_resnet_of_another_expansion_needs_the_name_of_its_class(official_weights):
    weights = from_official(official_weights('r50_small'))
    with pytest.raises(ValueError, match=r'--cfg-options model\.backbone\.type=NAME'):
        infer_config(weights, SourceInfo(), cfg_options={})
    cfg = infer_config(weights, SourceInfo(), cfg_options={'model.backbone.type': 'NarrowResNet'})
    assert (cfg.model.backbone.type, cfg.model.backbone.depth) == ('NarrowResNet', 50)


def test_names_without_things(convnext):
    names = tuple(f'class {index}' for index in range(19))
    with pytest.raises(ValueError, match=r'which of the 19 classes \(class 0, .*\) are things .* --things FILE'):
        infer_config(convnext, SourceInfo(metainfo=dict(classes=names)), cfg_options={})
    cityscapes = [f'{name.upper()} ' for name in resolve_metainfo('cityscapes')['classes']]
    cfg = infer_config(convnext, SourceInfo(metainfo=dict(classes=cityscapes)), cfg_options={})
    assert cfg.model.metainfo == 'cityscapes'


ROWS = '{"1": {"name": "b", "isthing": 1}, "0": {"name": "a", "isthing": 0}}'
CATEGORIES = '{"categories": [{"id": 7, "name": "a", "isthing": 0}, {"id": 9, "name": "b", "isthing": 1}]}'


@pytest.mark.parametrize(
    ('classes', 'things'),
    [
        (('x.txt', 'a\n b \n'), ('y.txt', 'b\n')),
        (('x.json', '["a", "b"]'), ('y.json', '[1]')),
        (('x.json', '["a", "b"]'), ('y.txt', '\ufeff1\n')),
        (('x.json', ROWS), None),
        (('x.json', CATEGORIES), None),
    ],
)
def test_classes_in_files(tmp_path, classes, things):
    paths = []
    for file in (classes, things):
        paths.append(file and tmp_path / file[0])
        if file:
            paths[-1].write_text(file[1], encoding='utf-8')
    assert given_classes({'classes': ('x',), 'palette': None}, *paths) == dict(classes=('a', 'b'), thing_ids=(1,))


def test_given_classes(tmp_path):
    stored = dict(classes=('cat', 'sky'), thing_ids=(0, 1))
    assert given_classes(stored, None, None) == stored
    assert given_classes(stored, None, ()) == stored | dict(thing_ids=())
    assert given_classes(stored, ['a', 'cat'], ['cat', 0])['thing_ids'] == (1, 0)
    with pytest.raises(ValueError, match="the thing 'cta' .* is none of the classes: did you mean 'cat'"):
        given_classes(stored, None, ['cta'])
    with pytest.raises(ValueError, match='need the names of the classes: name them with --classes'):
        given_classes(None, None, ['cat'])
    (tmp_path / 'x.json').write_text('{"a": 1}')
    with pytest.raises(ValueError, match=r'x\.json is not a JSON list of names'):
        given_classes(None, tmp_path / 'x.json', None)
