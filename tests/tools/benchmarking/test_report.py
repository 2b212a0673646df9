import json

from benchmarking.report import Report
from benchmarking.row import Row

MACHINE = dict(
    processor='a processor',
    cores=2,
    load=0.5,
    threads=2,
    python='3.11',
    versions={'torch': '2.13'},
    matrix_gflops={'float32': 175.0},
)
FASTER = Row(name='a', what='ours is faster', unit='s', ours=1.0, peer=4.0, value=0.25, spread=(0.2, 0.3), target=0.3)
APART = Row(name='b', what='maps agree', unit='', ours=0.9, value=0.9, target=0.99, at_least=True)
PLAIN = Row(name='c', what='memory', unit='GB', ours=2.0, value=2.0)


def test_targets_bound_from_either_side():
    assert (FASTER.met, APART.met, PLAIN.met) == (True, False, None)


def test_markdown_has_a_line_for_each_row():
    text = Report(machine=MACHINE, quick=False, rows=[FASTER, APART, PLAIN], failures={'d': 'no peer'}).markdown()
    assert '| ours is faster | 1.000 s | 4.000 s | 0.250 | 0.200 to 0.300 | <= 0.3 | yes |' in text
    assert '| maps agree | 90.00% |  | 0.900 |  | >= 0.99 | no |' in text
    assert '| memory | 2.00 GB |  | 2.000 |  |  |  |' in text
    assert 'Not measured: d (no peer)' in text
    assert 'a processor, 2 cores, 2 threads' in text
    assert 'torch 2.13' in text


def test_a_quick_run_says_so():
    assert 'figures are meaningless' in Report(machine=MACHINE, quick=True).markdown()
    assert 'figures are meaningless' not in Report(machine=MACHINE, quick=False).markdown()


def test_json_has_all(tmp_path):
    Report(machine=MACHINE, quick=True, rows=[FASTER]).write(tmp_path / 'new')
    content = json.loads((tmp_path / 'new' / 'benchmark.json').read_text())
    assert content['machine']['processor'] == 'a processor'
    assert content['quick'] is True
    assert content['rows'][0] == dict(
        name='a',
        what='ours is faster',
        unit='s',
        ours=1.0,
        peer=4.0,
        value=0.25,
        spread=[0.2, 0.3],
        target=0.3,
        at_least=False,
        raw=None,
        met=True,
    )
