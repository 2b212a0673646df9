import shutil
from pathlib import Path

import pytest

from mmoneformer.checkpoints.checksums import sha256_of
from mmoneformer_cli.main import main

DATA = Path(__file__).parents[1] / 'data'


@pytest.fixture
def checkpoint(tmp_path):
    return shutil.copy(DATA / 'exported.pth', tmp_path / 'x.pth')


def test_first_without_a_record_then_with_one(checkpoint, capsys):
    assert main(['verify', str(checkpoint)]) == 0
    printed = capsys.readouterr().out
    lines = {line[:16].strip(): line[16:] for line in printed.splitlines()}
    assert lines['file'] == f'SHA-256 {sha256_of(checkpoint)}'
    assert lines['classes'] == '4, 2 of them things: sky, cat, road, car'
    assert lines['queries'] == '8'
    assert lines['semantic'].startswith('class logits ')
    assert lines['record'].startswith('there is none; --record writes one')

    assert main(['verify', str(checkpoint), '--record']) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f'written         {checkpoint}.record.json'
    assert main(['verify', str(checkpoint)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == 'compared        x.pth.record.json: equal'


def test_a_difference_is_status_1(checkpoint, capsys):
    main(['verify', str(checkpoint), '--record'])
    record = Path(f'{checkpoint}.record.json')
    record.write_text(record.read_text().replace('"road"', '"street"'))
    assert main(['verify', str(checkpoint)]) == 1
    assert (
        capsys.readouterr()
        .out.splitlines()[-1]
        .startswith(
            'compared        x.pth.record.json: the classes are sky, cat*, road and 1 more (4; * things), and in the '
        )
    )
