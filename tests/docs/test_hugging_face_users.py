"""The example of docs/hugging_face_users.md runs, here with weights of a tiny model."""

import re
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config

from mmoneformer.registry import MODELS

ROOT = Path(__file__).parents[2]


def test_the_example_runs(tmp_path, capsys):
    config = Config.fromfile(ROOT / 'tests/data/tiny_oneformer.py')
    weights = MODELS.build(dict(config.model, _scope_='mmoneformer')).state_dict()
    torch.save({'state_dict': weights, 'meta': {'cfg': config.pretty_text}}, tmp_path / 'x.pth')
    cv2.imwrite(str(tmp_path / 'photo.jpg'), np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))
    (example,) = re.findall(r'```python\n(.*?)```', (ROOT / 'docs/hugging_face_users.md').read_text(), re.DOTALL)
    example = example.replace('hf://shi-labs/oneformer_ade20k_swin_large', str(tmp_path / 'x.pth'))
    names = {}
    exec(example.replace('photo.jpg', str(tmp_path / 'photo.jpg')), names)
    assert names['label_map'].shape == names['id_map'].shape == (40, 60)
    assert len(capsys.readouterr().out.splitlines()) == len(names['result']['panoptic']['segments']) + len(
        names['result']['instance']['scores']
    )
