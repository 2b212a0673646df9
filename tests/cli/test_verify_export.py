import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmoneformer.datasets.shapes.folder import write_shapes
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


def test_metrics_of_both(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)  # logs go to work_dirs
    write_shapes(tmp_path / 'data/shapes', num_train=1, num_val=2, size=64, seed=0)
    path = tmp_path / 'data/shapes/annotations/panoptic_val.json'
    content = json.loads(path.read_text())
    numbers = {category['id']: number % 4 for number, category in enumerate(content['categories'])}
    for annotation in content['annotations']:
        for segment in annotation['segments_info']:
            segment['category_id'] = numbers[segment['category_id']]
    classes = ('sky', 'cat', 'road', 'car')  # those of the model
    things = {1, 3}
    content['categories'] = [{'id': n, 'name': name, 'isthing': int(n in things)} for n, name in enumerate(classes)]
    path.write_text(json.dumps(content))
    cfg = Config.fromfile(Path(__file__).parents[2] / 'configs/oneformer_tiny_shapes.py')
    cfg.model = Config.fromstring(torch.load(DATA / 'exported.pth')['meta']['cfg'], '.py').model
    cfg.test_dataloader.dataset.metainfo = dict(classes=classes, thing_ids=things)
    cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.dump(tmp_path / 'mine.py')
    command = ['verify-export', str(DATA / 'exported.onnx'), str(DATA / 'exported.pth'), '--metrics']
    assert main([*command, '--config', str(tmp_path / 'mine.py')]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    metrics = {row[0]: row[1:] for row in rows if row and row[0] in ('PQ', 'AP', 'mIoU')}
    assert metrics.keys() == {'PQ', 'AP', 'mIoU'}
    assert all(float(before) == pytest.approx(float(after), abs=0.1) for before, after, _ in metrics.values())
