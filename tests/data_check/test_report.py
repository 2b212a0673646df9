from io import StringIO

import pytest
from rich.console import Console

from mmoneformer.data_check.finding import Finding, Severity
from mmoneformer.data_check.report import class_statistics, print_report, summarize
from mmoneformer.data_check.sample_record import Fault, FaultKind, SampleRecord, SegmentRecord, SplitRecord
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
        SampleRecord('c.jpg', fault=Fault(FaultKind.FAILED, 'Resize', 'ValueError', 'no')),
    ],
)


def test_sentence():
    assert summarize(SPLIT) == (
        '3 images, 2 of them usable, with 4 segments; 50.0% of the pixels are unlabeled; '
        'at most 2 (panoptic), 1 (instance) targets per image'
    )


def test_statistics_of_classes_leave_out_crowds():
    sky, cat = class_statistics(SPLIT)
    assert sky == (1, 1, pytest.approx(0.6))
    assert cat == (2, 2, pytest.approx(0.4))


def printed(found, splits):
    console = Console(file=StringIO(), width=40)
    print_report(console, found, splits)
    return console.file.getvalue()


def test_finding_with_examples_and_remedy():
    finding = Finding(
        Severity.ERROR, '2 samples [bad]', ('a[0].jpg: a line that is longer than the console',), 'Copy.'
    )
    assert printed({'train': [finding]}, {}) == (
        '\nerror train: 2 samples [bad]\n    a[0].jpg: a line that is longer than the console\n  Copy.\n'
    )


def test_clean():
    text = printed({'val': []}, {'val': SplitRecord('val', {}, [])})
    assert text == 'val: 0 images, 0 of them usable, with 0 segments\nno problems found\n'
