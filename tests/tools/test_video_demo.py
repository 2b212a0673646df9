import json
import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmoneformer.registry import MODELS
from mmoneformer.video_files import Video, VideoFile

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def main():
    return runpy.run_path(str(ROOT / 'tools/video_demo.py'))['main']


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A checkpoint and a video of three frames."""
    folder = tmp_path_factory.mktemp('video_demo')
    config = Config.fromfile(ROOT / 'tests/data/tiny_oneformer.py')
    weights = MODELS.build(dict(config.model, _scope_='mmoneformer')).state_dict()
    torch.save({'state_dict': weights, 'meta': {'cfg': config.pretty_text}}, folder / 'x.pth')
    with VideoFile(folder / 'in.mp4', rate=10) as file:
        for brightness in (40, 80, 120):
            file.write(np.full((48, 64, 3), brightness, np.uint8))
    return folder


def test_video(main, folder, tmp_path, capsys):
    out = tmp_path / 'out.mp4'
    main([str(folder / 'in.mp4'), '--weights', str(folder / 'x.pth'), '--batch-size', '2', '--out', str(out)])
    assert capsys.readouterr().out.strip().endswith(f'3 frames: {out}')
    assert Video(out).length() == 3


def test_a_number_is_a_camera(main, folder, tmp_path):
    with pytest.raises(SystemExit, match='^error: camera 97 cannot be opened'):
        main(['97', '--weights', str(folder / 'x.pth'), '--out', str(tmp_path / 'out.mp4')])


def test_ctrl_c_keeps_the_frames(main, folder, tmp_path, monkeypatch, capsys):
    def interrupted(milliseconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(cv2, 'imshow', lambda name, picture: None)
    monkeypatch.setattr(cv2, 'waitKey', interrupted)
    out = tmp_path / 'out.mp4'
    objects = tmp_path / 'out.json'
    words = [str(folder / 'in.mp4'), '--weights', str(folder / 'x.pth'), '--show', '--out', str(out)]
    assert main([*words, '--json', str(objects)]) == 130
    assert 'has the frames up to here' in capsys.readouterr().err
    assert Video(out).length() == 1
    assert [frame['index'] for frame in json.loads(objects.read_text())['frames']] == [0]
