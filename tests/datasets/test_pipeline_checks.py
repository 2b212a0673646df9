"""What is refused, besides registered transforms as they are (``transforms/test_registered_transforms.py``)."""

import json
import re
from types import SimpleNamespace

import pytest
from mmengine.dataset import Compose

from mmoneformer.datasets.multi_source_dataset import MultiSourceDataset
from mmoneformer.datasets.panoptic_dataset import PanopticSegDataset
from mmoneformer.datasets.pipeline_checks import all_transforms, check_pipeline
from mmoneformer.datasets.resumable_loading import ResumableSampler
from mmoneformer.registry import TRANSFORMS

FLIP = dict(type='mmdet.RandomFlip', prob=1.0)
MOSAIC = dict(type='mmseg.RandomMosaic', prob=1.0)


def check(*pipeline, test_mode=False):
    check_pipeline(Compose(list(pipeline)), source='data', test_mode=test_mode)


@pytest.mark.parametrize(
    'wrapper',
    [
        dict(type='RandomApply', transforms=[FLIP, MOSAIC]),
        dict(type='RandomChoice', transforms=[[FLIP], [FLIP, MOSAIC]]),
        dict(type='mmdet.RandomOrder', transforms=[dict(type='RandomApply', transforms=MOSAIC)]),
        dict(type='KeyMapper', transforms=[MOSAIC]),
    ],
)
def test_transforms_within_others(wrapper):
    with pytest.raises(ValueError, match=r'mmseg\.RandomMosaic in the pipeline of data'):
        check(wrapper)


def test_resize_within_another_is_seen():
    resize = TRANSFORMS.build(dict(type='RandomResize', scale=(9, 9), ratio_range=(1, 2), resize_type='mmdet.Resize'))
    assert [type(part).__name__ for part in all_transforms([resize])] == ['RandomResize', 'Resize']


@pytest.mark.parametrize(
    ('transform', 'argument'),
    [
        (dict(type='mmdet.Pad', size=(9, 9), pad_val=dict(img=0, seg=128)), "pad_val['seg']=128"),
        (
            dict(type='CenterCrop', crop_size=9, auto_pad=True, pad_cfg=dict(type='Pad', pad_val=dict(seg=1))),
            "pad_val['seg']=1",
        ),
        (dict(type='mmdet.Rotate', seg_ignore_label=7), 'seg_ignore_label=7'),
        (dict(type='mmseg.RandomRotate', prob=1.0, degree=9, seg_pad_val=254), 'seg_pad_val=254'),
        (dict(type='mmseg.RandomCutOut', prob=1.0, n_holes=1, cutout_shape=(2, 2), seg_fill_in=3), 'seg_fill_in=3'),
    ],
)
def test_fill_that_is_a_segment(transform, argument):
    with pytest.raises(ValueError, match=rf'fills gt_seg_map with .*{re.escape(argument)}, the number of a segment'):
        check(transform)


@pytest.mark.parametrize(
    ('transform', 'remedy'),
    [
        (dict(type='RandomFlip', prob=1.0, swap_seg_labels=[(1, 2)]), 'leave out swap_seg_labels'),
        (dict(type='KeyMapper', transforms=[FLIP], mapping=dict(img='img'), auto_remap=True), 'to its mapping'),
        (dict(type='KeyMapper', transforms=[FLIP], mapping=dict(img=['img', 'depth']), auto_remap=True), 'mapping'),
    ],
)
def test_arguments_that_separate_image_and_map(transform, remedy):
    with pytest.raises(ValueError, match=remedy):
        check(transform)


def test_arguments_that_keep_them_together():
    keys = dict(img='img', gt_seg_map='gt_seg_map')
    check(
        dict(type='KeyMapper', transforms=[FLIP], mapping=keys, auto_remap=True),
        dict(type='mmdet.Transpose', keys=['other'], order=(1, 0)),
        dict(type='mmdet.Pad', size=(9, 9), pad_val=dict(img=9, seg=0)),
        lambda results: results,
    )


def test_albu_that_passes_on_the_map(monkeypatch):
    monkeypatch.setattr('mmdet.datasets.transforms.transforms.Compose', lambda *args, **kwargs: None, raising=False)
    check(dict(type='mmdet.Albu', transforms=[], keymap=dict(img='image', gt_seg_map='mask')))


def test_pipelines_of_evaluation():
    """They may give images alone to other packers; with ground truth they are checked."""
    packed = dict(type='mmdet.PackDetInputs')
    check(dict(type='LoadImageFromFile'), packed, test_mode=True)
    check(dict(type='TestTimeAug', transforms=[[dict(type='LoadPanopticMap')]]), test_mode=True)
    with pytest.raises(ValueError, match=r'mmdet\.PackDetInputs .* end the pipeline with SampleTask'):
        check(dict(type='LoadSegments'), packed, test_mode=True)


def test_data_sets_check_their_pipeline(tmp_path):
    (tmp_path / 'a.json').write_text(json.dumps({'images': [], 'categories': []}))
    with pytest.raises(
        ValueError, match=r'RandomMosaic in the pipeline of PanopticSegDataset of .*a\.json mixes images'
    ):
        PanopticSegDataset(ann_file=str(tmp_path / 'a.json'), data_prefix={}, pipeline=[MOSAIC])
    with pytest.raises(ValueError, match='RandomMosaic in the pipeline of MultiSourceDataset mixes images'):
        MultiSourceDataset(sources=[], metainfo=dict(classes=('a',), thing_ids=()), pipeline=[MOSAIC])


def test_pipelines_around_data_sets():
    class Mixed(SimpleNamespace):
        def __len__(self):
            return 3

    mixed = Mixed(dataset=Mixed(), pipeline=[TRANSFORMS.build(MOSAIC)])
    with pytest.raises(ValueError, match='RandomMosaic in the pipeline of Mixed mixes images'):
        ResumableSampler(Mixed(datasets=[Mixed(), mixed]), seed=0)
    ResumableSampler(Mixed(dataset=Mixed(), pipeline=[TRANSFORMS.build(FLIP)]), seed=0)
