import json
import sys
from pathlib import Path

import pytest
import torch

from mmoneformer.apis.train_and_test import load_config
from mmoneformer.evaluation.video_panoptic_quality import WINDOWS
from mmoneformer.registry import MODELS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def main(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / 'tools')
    threads = torch.get_num_threads()
    import benchmark_tracking

    yield benchmark_tracking.main
    torch.set_num_threads(threads)
    for name in [name for name in sys.modules if name.split('.')[0] in ('benchmark_tracking', 'benchmarking')]:
        del sys.modules[name]


def test_measures_both_ways(main, tmp_path, capsys):
    """Of a model with random weights, on a single film."""
    cfg = load_config('oneformer_tiny_shapes', work_dir=str(tmp_path))
    cfg.model.test_cfg.object_mask_thr = 0.0
    weights = MODELS.build(dict(cfg.model, _scope_='mmoneformer')).state_dict()
    torch.save({'state_dict': weights, 'meta': {'cfg': cfg.pretty_text}}, tmp_path / 'x.pth')
    main([str(tmp_path / 'x.pth'), '--films', '1', '--size', '32', '--rounds', '1', '--out', str(tmp_path / 'out')])
    found = json.loads((tmp_path / 'out/tracking.json').read_text())
    assert list(found['ways']) == ['queries', 'mask IoU']
    for figures in found['ways'].values():
        assert {f'VPQ_{window}' for window in WINDOWS} < figures.keys()
        assert figures['ms'] > 0
    assert found['ways']['queries']['VPQ_1'] == found['ways']['mask IoU']['VPQ_1']
    assert 'mask IoU' in capsys.readouterr().out
