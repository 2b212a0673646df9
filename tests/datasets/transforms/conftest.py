"""Scenes whose colors tell the number of the image, and the value that a pixel has in its map.

``check`` computes from the colors of a mixed image which segments each pixel must have.
"""

from copy import deepcopy
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.dataset import BaseDataset, Compose

from mmoneformer.datasets.transforms.mix_images import connect_mixing
from mmoneformer.structures import SegmentMap

CLASSES, THINGS = ('grass', 'cat', 'car', 'sky'), (1, 2)
SIZE = (48, 64)
PADDING = 255


def scene(kind, number):
    """A copy of ``_scene``."""
    return {key: value if isinstance(value, str) else deepcopy(value) for key, value in _scene(kind, number).items()}


@cache
def _scene(kind, number):
    """A loaded sample: 90 cells of 5 x 5 pixels, and more; or 4 classes, or 40 instances that overlap."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] // 5
    rng = np.random.default_rng(number)
    if kind == 'instance':
        masks = [(rows // 2 == n % 5) & (columns >= n // 5) & (rng.random() < 0.9) for n in range(40)]
        values, ids = np.unique(np.array(masks).reshape(40, -1), axis=1, return_inverse=True)
        segment_map = SegmentMap(ids.reshape(SIZE) + 1, 40, np.concatenate([[[False] * 40], values.T]))
        labels = [1 + n % 2 for n in range(40)]
    elif kind == 'semantic':
        segment_map, labels = SegmentMap((rows + columns + number) % 5, 4), [2, 0, 3, 1]
    else:
        segment_map, labels = SegmentMap((rows * 13 + columns) % 120, 119), [n % 3 for n in range(118)] + [3]
    plain = segment_map.ids.astype(np.uint8)
    return {
        **segment_map.fields(),
        'img': np.stack([np.full(SIZE, number), plain, 0 * plain], -1).astype(np.uint8),
        'img_path': f'{number}.png',
        'segments': [{'id': n + 1, 'label': label, 'iscrowd': 0, 'of': (number, n)} for n, label in enumerate(labels)],
        'table': segment_map.table(),
    }


class Scenes(BaseDataset):
    """Six images; the last one is of another kind."""

    def __init__(self, kind, *transforms):
        self.kind = kind
        self.pipeline = Compose([lambda results: results | scene(kind, results['number']), *transforms])
        connect_mixing(self)

    def __len__(self):
        return 6

    def get_data_info(self, number):
        common = {'classes': CLASSES, 'thing_ids': THINGS, 'tasks': [self.kind], 'annotation': self.kind}
        return common | {'number': number, 'unlabeled_ids': (3,) if number == 5 else ()}

    def load(self, number):
        return self.pipeline(self.get_data_info(number))


def check(kind, results, *, only_pasted=False):
    """Check each pixel of a mixed image, and return the numbers of the images in it."""
    segment_map, segments = SegmentMap.of_sample(results), results['segments']
    assert [segment['id'] for segment in segments] == list(range(1, len(segments) + 1))
    assert results['img'].shape[:2] == results['img_shape'] == segment_map.ids.shape

    def name(segment):
        is_single = kind == 'instance' or (kind == 'panoptic' and segment['label'] in THINGS)
        return segment['of'] if is_single else segment['label']

    names = [name(segment) for segment in segments]
    of_classes = [name for name in names if isinstance(name, int)]
    assert len(set(of_classes)) == len(of_classes)
    known = {number: _scene(kind, number) for number in range(6)}
    seen = set()
    pairs = np.concatenate([results['img'][..., :2], segment_map.ids[..., None]], -1).reshape(-1, 3)
    codes = np.unique(pairs @ [1 << 40, 1 << 32, 1])
    for number, value, found in zip(codes >> 40, codes >> 32 & 255, codes & 0xFFFFFFFF, strict=True):
        members = {names[n] for n in np.flatnonzero(segment_map.table()[found])}
        if number == PADDING:
            assert not members
            continue
        own = known[number]
        expected = {name(own['segments'][n]) for n in np.flatnonzero(own['table'][value])}
        is_whole = not only_pasted or (number == results['number'] and len(np.unique(pairs[:, 0])) > 1)
        assert members == expected if is_whole else members <= expected
        seen.add(int(number))
    return seen


@pytest.fixture
def mixing():
    """What the tests of transforms that mix images need."""
    np.random.seed(0)
    return SimpleNamespace(Scenes=Scenes, check=check, scene=scene)
