import pytest

from mmoneformer.checkpoints.hugging_face_config import (
    class_weights,
    classes_json,
    model_json,
    processor_json,
    read_json,
)
from mmoneformer.metainfo import resolve_metainfo

METAINFO = resolve_metainfo(dict(classes=('sky', 'cat'), thing_ids=(1,), palette=[(1, 2, 3), (4, 5, 6)]))


def model(**changes):
    head = dict(
        num_queries=30,
        channels=64,
        pixel_decoder=dict(num_layers=2, feedforward_channels=96),
        query_initializer=dict(num_layers=3, feedforward_channels=128),
        masked_decoder=dict(num_layers=9, feedforward_channels=128),
        text_mapper=dict(encoder=dict(width=64, num_layers=5), num_context=6),
    )
    backbone = dict(type='ConvNeXt', depths=[1, 1, 2, 1], channels=[8, 16, 32, 64], drop_path_rate=0.1)
    preprocessor = dict(mean=[51.0, 102.0, 0.0], std=[255.0, 25.5, 51.0])
    return dict(backbone=backbone, panoptic_head=head | changes, data_preprocessor=preprocessor)


def test_model():
    found = model_json(model(), METAINFO)
    assert found['decoder_layers'] == 10  # theirs counts the predictions
    assert found['query_dec_layers'] == 3
    assert found['encoder_layers'] == 2
    assert (found['encoder_feedforward_dim'], found['dim_feedforward']) == (96, 128)
    assert {found[f'{part}_dim'] for part in ('hidden', 'mask', 'conv')} == {64}
    assert (found['text_encoder_width'], found['text_encoder_num_layers'], found['text_encoder_n_ctx']) == (64, 5, 6)
    assert found['id2label'] == {'0': 'sky', '1': 'cat'}
    assert found['is_training'] is False
    assert found['backbone_config']['model_type'] == 'convnext'
    assert found['backbone_config']['hidden_sizes'] == [8, 16, 32, 64]


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(masked_decoder=dict(num_layers=9, feedforward_channels=64)), 'one feedforward_channels .* 128 and 64'),
        (
            dict(text_mapper=dict(encoder=dict(width=128, num_layers=1), num_context=6)),
            'texts as wide as the queries, here they have 128 and 64',
        ),
    ],
)
def test_models_that_theirs_cannot_be(changes, message):
    with pytest.raises(ValueError, match=message):
        model_json(model(**changes), METAINFO)


def test_backbone_that_they_do_not_have():
    with pytest.raises(
        ValueError, match=r'no backbone like mmdet\.PyramidVisionTransformer, only like SwinTransformer, '
    ):
        model_json(model() | dict(backbone=dict(type='mmdet.PyramidVisionTransformer')), METAINFO)


def test_processor():
    found = processor_json(model(), (300, 200), '/folder')
    assert found['size'] == dict(shortest_edge=200, longest_edge=300)
    assert found['image_mean'] == pytest.approx([0.2, 0.4, 0.0])
    assert found['image_std'] == pytest.approx([1.0, 0.1, 0.2])
    assert found['num_text'] == 24
    assert found['repo_path'] == '/folder'


def test_class_weights():
    assert class_weights(METAINFO).tolist() == pytest.approx([1, 1, 0.1])


def test_read_what_was_written():
    config = {'backbone_config': {'dilations': [[1, 2]]}}
    info = read_json(config, processor_json(model(), (300, 200), '/folder'), classes_json(METAINFO))
    assert info.metainfo == METAINFO
    assert info.scale == (300, 200)
    assert info.backbone == dict(dilations=[[1, 2]])


def test_read_little():
    info = read_json({'backbone_config': {}}, {'size': 800}, {'0': {'name': 'sky', 'isthing': 0}})
    assert info.scale is None
    assert info.backbone == {}
    assert resolve_metainfo(info.metainfo)['classes'] == ('sky',)


NAMES = ('cat', 'sky', 'car')
OF_NAMES = {'id2label': {str(index): name for index, name in enumerate(NAMES)}, 'backbone_config': {}}
CLASS_FILE = {str(index): {'name': name, 'isthing': int(name != 'sky')} for index, name in enumerate(NAMES)}
OTHERS = {'0': {'name': 'wall', 'isthing': 0}, '1': {'name': 'bed', 'isthing': 1}}
METADATA = {'class_names': list(NAMES), 'thing_ids': [0, 2]}


@pytest.mark.parametrize(
    ('processor', 'class_file', 'things'),
    [
        ({'metadata': METADATA}, None, (0, 2)),
        ({'metadata': {'0': 'cat', '2': 'car', '1': 'sky ', 'thing_ids': ['2']}}, OTHERS, (2,)),
        ({'metadata': {'thing_ids': [1]}}, None, (1,)),
        (None, CLASS_FILE, (0, 2)),
        ({'metadata': METADATA | {'class_names': ['wall', 'bed', 'car']}}, OTHERS, None),
        (None, None, None),
    ],
)
def test_names_of_a_fine_tuned_model(processor, class_file, things):
    """Things and colors of the model that fine-tuning began with do not count."""
    metainfo = read_json(OF_NAMES, processor, class_file).metainfo
    assert [name.strip() for name in metainfo['classes']] == list(NAMES)
    assert metainfo.get('thing_ids') == things


def test_placeholders_are_no_names():
    config = OF_NAMES | {'id2label': {'0': 'LABEL_0', '1': 'LABEL_1', '2': 'LABEL_2'}}
    assert read_json(config, None, None).metainfo is None
    assert read_json(config, {'metadata': METADATA}, None).metainfo == dict(classes=NAMES, thing_ids=(0, 2))
