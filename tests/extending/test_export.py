"""A result file and a checkpoint format of one's own (``own/``), and the package stays as it is."""

import csv
from importlib import import_module

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from mmoneformer.apis.train_and_test import evaluate
from mmoneformer.registry import MODELS

CONFIG = 'tests/extending/own/configs/oneformer_segment-table_shapes.py'


@pytest.fixture
def checkpoint(load, tmp_path):
    """A config, and random weights of its model in a file."""
    cfg = load(CONFIG)
    meta = {'cfg': cfg.pretty_text}
    torch.save({'meta': meta, 'state_dict': MODELS.build(cfg.model).state_dict()}, tmp_path / 'ours.pth')
    return cfg, tmp_path / 'ours.pth'


def test_a_result_file(checkpoint, shapes, tmp_path):
    cfg, weights = checkpoint
    cfg.test_evaluator[0].path = str(tmp_path / 'segments.csv')
    assert evaluate(cfg, str(weights)) == {}
    rows = list(csv.reader((tmp_path / 'segments.csv').open()))
    assert rows
    for image in (shapes / 'val').iterdir():
        areas = [int(area) for name, _, area in rows if name == image.name]
        width, height = Image.open(image).size
        assert 0 < sum(areas) <= width * height
    assert {class_name for _, class_name, _ in rows} <= set(cfg.metainfo.classes)


def test_a_checkpoint_format(checkpoint, tmp_path):
    _, weights = checkpoint
    import_module('encoder_decoder_checkpoints').export(weights, tmp_path / 'theirs.safetensors')
    ours, theirs = torch.load(weights)['state_dict'], load_file(tmp_path / 'theirs.safetensors')
    assert len(theirs) == len(ours)
    assert torch.equal(theirs['decoder.query_embed'], ours['panoptic_head.query_embed'])
