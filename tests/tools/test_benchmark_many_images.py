import runpy
from pathlib import Path

TOOLS = Path(__file__).parents[2] / 'tools'


def test_measures_with_and_without_a_model(monkeypatch, capsys, tmp_path):
    monkeypatch.syspath_prepend(str(TOOLS))
    tool = runpy.run_path(str(TOOLS / 'benchmark_many_images.py'))
    weights = str(tool['write_tiny_model'](tmp_path))
    tool['main'](['--pictures', '2', '--size', '64', '96', '--workers', '1', '--weights', weights])
    rows = [line.split(' | ') for line in capsys.readouterr().out.splitlines() if line.startswith('| ')]
    assert [row[0].removeprefix('| ') for row in rows[1:]] == [
        'tiny.pth, one after the other',
        'tiny.pth, 1 workers',
        *(
            f'no model, {what}, {how}'
            for what in ('json and PNGs', 'all with drawings')
            for how in ('one after the other', '1 workers')
        ),
    ]
    assert all(float(row[1]) > 0 for row in rows[1:])
