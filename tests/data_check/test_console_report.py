from io import StringIO

from rich.console import Console

from mmoneformer.data_check.console_report import print_report
from mmoneformer.data_check.finding import Finding, Severity
from mmoneformer.data_check.sample_record import SplitRecord


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
    assert text == 'val: 0 images, 0 of them usable, with 0 segments\nnothing is wrong\n'
