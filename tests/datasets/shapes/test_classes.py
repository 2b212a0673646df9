from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmoneformer.datasets.shapes.classes import CLASSES, OUTLINES, TEXTURES, outline_mask, texture

SIZE = (64, 80)


def test_config_has_the_classes():
    config = Config.fromfile(Path(__file__).parents[3] / 'configs/_base_/datasets/shapes.py')
    assert config.metainfo.classes == tuple(category.name for category in CLASSES['shapes'])
    assert config.metainfo.thing_ids == tuple(n for n, category in enumerate(CLASSES['shapes']) if category.isthing)


def test_every_class_can_be_drawn():
    categories = [category for classes in CLASSES.values() for category in classes]
    assert {category.name for category in categories if category.isthing} == set(OUTLINES)
    assert {category.name for category in categories if not category.isthing} == set(TEXTURES)


def test_sets_of_classes_share_some():
    shapes, signs = ({category.name for category in CLASSES[name]} for name in ('shapes', 'signs'))
    assert shapes & signs == {'grass', 'star'}


@pytest.mark.parametrize('name', OUTLINES)
def test_outlines_differ_in_area(name):
    """Pixels, as a share of a circle's; corners and arms cost some."""
    mask = outline_mask(name, SIZE, np.array([40, 32]), 25.0, 0.4)
    shares = {'circle': 1, 'ring': 1 - 0.55**2, 'hexagon': 0.83, 'square': 0.64, 'triangle': 0.41, 'star': 0.40}
    shares |= {'cross': 0.65, 'arrow': 0.41}
    assert mask.sum() / (np.pi * 25**2) == pytest.approx(shares[name], abs=0.06)
    rows, columns = np.nonzero(mask)
    assert np.hypot(rows - 32, columns - 40).max() < 25 * 1.1


@pytest.mark.parametrize('name', TEXTURES)
def test_textures_are_of_moderate_contrast(name):
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    values = texture(name, np.random.default_rng(0), rows, columns)
    assert values.shape == SIZE
    assert 3 < values.std() < 40
