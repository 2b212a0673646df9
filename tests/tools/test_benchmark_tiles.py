import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mmoneformer.apis.train_and_test import load_config
from mmoneformer.registry import MODELS

ROOT = Path(__file__).parents[2]
CLASSES = ('grass', 'circle', 'square', 'water', 'triangle', 'sand', 'star', 'ring', 'sky')


@pytest.fixture(autouse=True)
def tools(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / 'tools')
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    for name in [name for name in sys.modules if name.split('.')[0] in ('benchmark_tiles', 'benchmarking')]:
        del sys.modules[name]


@pytest.fixture
def weights(tmp_path):
    """Random ones, with which every query is a segment."""
    cfg = load_config('oneformer_tiny_shapes', work_dir=str(tmp_path))
    cfg.model.test_cfg.object_mask_thr = 0.0
    state = MODELS.build(dict(cfg.model, _scope_='mmoneformer')).state_dict()
    torch.save({'state_dict': state, 'meta': {'cfg': cfg.pretty_text}}, tmp_path / 'x.pth')
    return tmp_path / 'x.pth'


def test_measures_time_and_matching(weights, capsys, monkeypatch):
    import benchmark_tiles

    monkeypatch.setattr(benchmark_tiles, 'MATCHING', [(130, 200)])
    monkeypatch.setattr(benchmark_tiles, 'SCENES', [48])
    benchmark_tiles.main([str(weights), '--sides', '--tile', '64', '--overlap', '16', '--rounds', '1', '--matching'])
    printed = capsys.readouterr().out
    assert '128 x 128 pixels in 9 tiles: ' in printed
    rows = [line.split(' | ') for line in printed.splitlines()[-5:]]
    assert {row[0] for row in rows} == {'| 48'}
    assert {row[1] for row in rows} == {'0.3', '0.5', '0.7', '0.9', '0.95'}
    assert len({row[-1] for row in rows}) == 1


@pytest.mark.slow
def test_measures_memory(weights, capsys):
    import benchmark_tiles

    benchmark_tiles.main([str(weights), '--sides', '100', '--tile', '64', '--overlap', '16', '--rounds', '0'])
    row = capsys.readouterr().out.splitlines()[-1].split(' | ')
    assert row[:2] == ['| 100 x 100', '4']
    assert all(0 <= float(amount.removesuffix(' GB')) < 2 for amount in row[2:4])


def test_mosaics_are_what_was_drawn():
    from benchmarking.mosaics import Mosaic

    mosaic = Mosaic((50, 70), 32, seed=1)
    assert (mosaic.draw().shape, mosaic.draw().dtype) == ((50, 70, 3), np.uint8)
    ids, segments = mosaic.truth(CLASSES)
    assert {segment['id'] for segment in segments} == set(np.unique(ids[ids > 0]).tolist())
    number = mosaic._chosen[1, 2]
    scene = mosaic._scenes[number]
    names = {segment['id']: CLASSES[segment['label']] for segment in segments}
    drawn = {segment.id: segment.category.name for segment in scene.segments}
    for row, column in ((35, 66), (49, 69)):
        true = scene.ids[row - 32, column - 64]
        assert names.get(ids[row, column]) == drawn.get(true)
    labels = [segment['label'] for segment in segments if segment['label'] in (0, 3, 5, 8)]
    assert len(labels) == len(set(labels))  # stuff of a class is one segment
