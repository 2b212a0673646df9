from pathlib import Path

import pytest
import torch

from mmoneformer_cli.main import main

DATA = Path(__file__).parents[1] / 'data'


def test_equal_results(caplog):
    assert main(['verify-export', str(DATA / 'exported.onnx'), str(DATA / 'exported.pth')]) == 0
    assert '192 x 320 pixels, batch of 2, 3 tasks: logits differ by at most ' in caplog.text


def test_other_weights(tmp_path):
    stored = torch.load(DATA / 'exported.pth')
    stored['state_dict']['panoptic_head.query_embed'] += 1
    torch.save(stored, tmp_path / 'other.pth')
    with pytest.raises(SystemExit, match='^error: .*exported.onnx was exported from other weights'):
        main(['verify-export', str(DATA / 'exported.onnx'), str(tmp_path / 'other.pth')])
