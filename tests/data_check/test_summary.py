import pytest

from mmoneformer.data_check.sample_record import Fault, SampleRecord, SegmentRecord, SplitRecord
from mmoneformer.data_check.summary import class_figures, summarize
from mmoneformer.metainfo import resolve_metainfo

SPLIT = SplitRecord(
    'train',
    resolve_metainfo(dict(classes=('sky', 'cat'), thing_ids=(1,))),
    [
        SampleRecord(
            'a.jpg',
            segments=(SegmentRecord(0, 0, 60), SegmentRecord(1, 0, 10), SegmentRecord(1, 1, 5)),
            void_share=0.25,
            targets={'panoptic': 2, 'instance': 1},
        ),
        SampleRecord('b.jpg', segments=(SegmentRecord(1, 0, 30), SegmentRecord(1, 0, 0)), void_share=0.75),
        SampleRecord('c.jpg', fault=Fault('Resize', 'ValueError', 'no')),
    ],
)


def test_sentence():
    assert summarize(SPLIT) == (
        '3 images, 2 of them usable, with 4 segments; 50.0% of the pixels are unlabeled; '
        'most targets of an image: 2 (panoptic), 1 (instance)'
    )


def test_figures_of_classes_leave_out_crowds():
    sky, cat = class_figures(SPLIT)
    assert sky == (1, 1, pytest.approx(0.6))
    assert cat == (2, 2, pytest.approx(0.4))
