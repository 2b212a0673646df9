"""A loss of one's own: one file and one config (``own/``), and the package stays as it is."""

import math

import pytest

from mmoneformer.apis.train_and_test import train

CONFIG = 'tests/extending/own/configs/oneformer_entropy_shapes.py'


def test_its_term_is_trained_with(load):
    runner = train(load(CONFIG))
    scalars = runner.message_hub.log_scalars
    classes = len(runner.model.dataset_meta['classes']) + 1
    entropy, total = (scalars[f'train/{name}'].data[0] for name in ('loss_entropy', 'loss'))
    terms = [history.data[0][0] for name, history in scalars.items() if 'loss_' in name]
    assert 0 < entropy[0] < 0.1 * math.log(classes)
    assert total[0] == pytest.approx(sum(terms), rel=1e-4)
