import json

import pytest
from benchmarking.gpu.figures import OURS, Failure, Figure, Machine, Work
from benchmarking.gpu.report import HEADER, NAME, GpuReport

WORK = Work(network='R50, 800 x 1344', what='forward, one task', precision='tf32', batch=8)
MACHINE = Machine(
    dict(gpu='A GPU', gigabytes=80.0, cuda='13.0', processor='a processor', cores=16, python='3.12', versions={}),
    {'float32': 5e13},
)


@pytest.fixture
def report():
    report = GpuReport(quick=False)
    for message in (
        MACHINE,
        Figure(work=WORK, implementation='peer', runs=[0.04, 0.05, 0.04], gigabytes=2.0),
        Figure(
            work=WORK,
            implementation=OURS,
            runs=[0.01, 0.02, 0.01],
            gigabytes=1.5,
            matrix_share=0.25,
            syncs_per_image=0.125,
        ),
        Failure('other', 'OutOfMemoryError: CUDA out of memory'),
    ):
        report.add(message)
    report.stage_seconds['r50'] = 12.4
    return report


def test_markdown_has_a_line_for_each_implementation(report):
    text = report.markdown()
    row = '| R50, 800 x 1344 | forward, one task | tf32 | 8 |'
    assert f'{row} peer | 40.00 | 0.250 | 0.250 to 0.400 | 2.00 GB |  |  |  |' in text
    assert f'{row} {OURS} | 10.00 |  |  | 1.50 GB | 25.0% | 0.125 |  |' in text
    assert 'Not measured: other (OutOfMemoryError: CUDA out of memory)' in text
    assert 'A GPU, 80 GB, CUDA 13.0; a processor, 16 cores. Matrix products, TFLOP/s: float32 50.' in text
    assert 'Seconds: r50 12.' in text
    widths = {line.count('|') for line in (*HEADER.splitlines(), *text.splitlines()) if line.startswith('|')}
    assert len(widths) == 1


def test_json_has_all(report, tmp_path):
    report.write(tmp_path / 'new')
    content = json.loads((tmp_path / 'new' / f'{NAME}.json').read_text())
    assert [figure['implementation'] for figure in content['figures']] == ['peer', OURS]
    assert content['ratios'][0]['ratio'] == pytest.approx(0.25)
    assert content['failures'][0]['what'] == 'other'
    assert content['machine']['facts']['gpu'] == 'A GPU'


def test_a_quick_run_says_so():
    assert 'figures are meaningless' in GpuReport(quick=True).markdown()
    assert 'figures are meaningless' not in GpuReport(quick=False).markdown()
