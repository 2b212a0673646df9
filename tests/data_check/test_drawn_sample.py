from collections import Counter

import numpy as np
import pytest
import torch

from mmoneformer.data_check.drawn_sample import draw_sample, draw_samples, target_regions
from mmoneformer.data_check.tolerant_dataset import open_dataset
from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.structures import TargetMasks, Targets


@pytest.fixture
def train(config):
    return open_dataset(config.train_dataloader.dataset)


def test_texts_and_panels_of_each_task(train):
    drawn = draw_sample(train, 3)
    labels = [segment['label'] for segment in train.get_data_info(3)['segments']]
    expected = Counter(f'a photo with a {train.metainfo["classes"][label]}' for label in labels)
    assert drawn.texts['panoptic'] == expected
    assert drawn.texts['semantic'] == Counter(expected.keys())
    assert drawn.sheet.shape[1] > 4 * 400  # the input and three tasks


def test_validation_shows_the_annotation(config):
    config.val_dataloader.dataset.pipeline[1].scale = (40, 32)  # the map keeps its size
    drawn = draw_sample(open_dataset(config.val_dataloader.dataset), 1)
    assert drawn.texts == {}
    assert drawn.sheet.ndim == 3


def test_samples_are_spread_and_faulty_ones_left_out(train, folder):
    names = [drawn.path[-10:] for drawn in draw_samples(train, 3)]
    assert names == ['000001.jpg', '000006.jpg', '000012.jpg']
    (folder / 'train/000006.jpg').unlink()
    assert [drawn.path[-10:] for drawn in draw_samples(train, 3)] == ['000001.jpg', '000012.jpg']
    assert len(list(draw_samples(train, 100))) == 11


def test_images_without_annotation_are_left_out(config, edit_json):
    edit_json(lambda content: content.pop('annotations'), split='val')
    assert list(draw_samples(open_dataset(config.val_dataloader.dataset), 2)) == []


def test_of_targets_that_overlap_the_first_is_seen():
    members = torch.tensor([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=torch.bool)
    masks = TargetMasks(torch.tensor([[0, 1, 2, 3]]), 2, members)
    targets = Targets('instance', ['', ''], torch.tensor([1, 1]), masks)
    regions = target_regions(targets, resolve_metainfo(dict(classes=('sky', 'cat'), thing_ids=(1,))))
    np.testing.assert_array_equal(regions.id_map, [[0, 1, 2, 1]])
    assert regions.texts == ['cat', 'cat']
