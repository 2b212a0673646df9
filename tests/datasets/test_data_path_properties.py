"""Random COCO-panoptic folders: the path from the files to the loss, compared with sets of pixels.

The images are the id maps themselves, resized without interpolation: after any geometric transform, an image shows
what its targets must be.
"""

import json
import tempfile
from pathlib import Path

import cv2
import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from mmengine.config import Config

from mmoneformer.datasets.panoptic_dataset import PanopticSegDataset
from mmoneformer.registry import MODELS

CLASSES = ('sky', 'cat', 'road', 'car')
THINGS = (1, 3)
DIVISOR = 32
LOADING = [{'type': 'LoadImageFromFile'}, {'type': 'LoadPanopticMap'}]
few = hypothesis.settings(max_examples=150, deadline=None, derandomize=True, database=None)

sides = st.one_of(st.integers(1, 40), st.sampled_from([1, 2, 150]))
segments = st.lists(
    st.fixed_dictionaries(
        {'id': st.integers(1, (1 << 24) - 1), 'category_id': st.integers(0, 3), 'iscrowd': st.integers(0, 1)}
    ),
    max_size=8,
    unique_by=lambda segment: segment['id'],
)
edges = st.tuples(*[st.floats(0, 1)] * 4)  # of a rectangle; equal ones leave the segment a single row or column
flips = st.sampled_from(['horizontal', 'vertical', 'diagonal'])
geometries = st.lists(
    st.one_of(
        st.builds(lambda way: {'type': 'mmdet.RandomFlip', 'prob': 0.7, 'direction': way}, flips),
        st.builds(
            lambda width, height: {'type': 'mmdet.Resize', 'scale': (width, height), 'interpolation': 'nearest'},
            st.integers(1, 60),
            st.integers(1, 60),
        ),
        st.builds(
            lambda width, height: {
                'type': 'mmdet.RandomCrop',
                'crop_size': (width, height),
                'allow_negative_crop': True,
            },
            st.integers(1, 50),
            st.integers(1, 50),
        ),
        st.builds(
            lambda side: {'type': 'mmdet.Pad', 'size_divisor': side, 'pad_val': {'img': (0, 0, 0), 'seg': 0}},
            st.integers(1, 50),
        ),
    ),
    max_size=4,
)


@st.composite
def id_maps(draw):
    """A map and its segments: rectangles over each other, some with one pixel, some with none, void between them."""
    listed = draw(segments)
    height, width = draw(sides), draw(sides)
    ids = np.zeros((height, width), np.int64)
    for segment in listed:
        top, bottom, left, right = draw(edges)
        rows, columns = sorted((top, bottom)), sorted((left, right))
        window = [slice(int(a * n), int(b * n) + 1) for (a, b), n in ((rows, height), (columns, width))]
        if draw(st.integers(0, 4)):
            ids[tuple(window)] = segment['id']
    return ids, listed


def write(folder: Path, ids: np.ndarray, listed: list[dict]) -> None:
    """Writes the map as picture and as annotation."""
    colors = np.stack([ids >> 16, ids >> 8 & 255, ids & 255], axis=-1).astype(np.uint8)  # blue, green, red
    for name in ('img', 'seg'):
        (folder / name).mkdir()
        cv2.imwrite(str(folder / name / 'a.png'), colors)
    content = {
        'categories': [{'id': n, 'name': name, 'isthing': int(n in THINGS)} for n, name in enumerate(CLASSES)],
        'images': [{'id': 3, 'file_name': 'a.png', 'height': ids.shape[0], 'width': ids.shape[1]}],
        'annotations': [{'image_id': 3, 'file_name': 'a.png', 'segments_info': listed}],
    }
    (folder / 'ann.json').write_text(json.dumps(content))


def packed_sample(ids, listed, pipeline):
    """What a pipeline makes of the image."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), ids, listed)
        return PanopticSegDataset(
            ann_file='ann.json',
            data_root=folder,
            data_prefix={'img': 'img', 'seg': 'seg'},
            pipeline=pipeline,
            serialize_data=False,
        )[0]


def training(geometry, task):
    return [
        *LOADING,
        *geometry,
        {'type': 'SampleTask', 'probabilities': {task: 1}},
        {'type': 'PackOneFormerInputs'},
    ]


def ids_of(picture: torch.Tensor) -> list[list[int]]:
    blue, green, red = picture.tolist()
    rows = zip(blue, green, red, strict=True)
    return [[r + 256 * g + 65536 * b for b, g, r in zip(*row, strict=True)] for row in rows]


def expected_targets(ids: list[list[int]], listed: list[dict], task: str) -> list[tuple[int, set[tuple[int, int]]]]:
    """Label and pixels of each target, in order."""
    pixels: dict[int, set[tuple[int, int]]] = {}
    for y, row in enumerate(ids):
        for x, value in enumerate(row):
            pixels.setdefault(value, set()).add((y, x))
    targets = []
    for label in range(len(CLASSES)):
        found = [
            pixels[segment['id']]
            for segment in listed
            if segment['category_id'] == label and not segment['iscrowd'] and segment['id'] in pixels
        ]
        if task == 'instance' and label not in THINGS:
            continue
        if task == 'semantic' and found:
            found = [set.union(*found)]
        targets += [(label, mask) for mask in found]
    return targets


def pixels_of(mask: torch.Tensor) -> set[tuple[int, int]]:
    return set(map(tuple, mask.nonzero().tolist()))


MANY = np.arange(300).reshape(12, 25) * 50000
MANY_LISTED = [{'id': int(n), 'category_id': int(n) % 7 % 4, 'iscrowd': int(n) // 50000 % 2} for n in MANY.ravel()[1:]]


@pytest.mark.parametrize('task', ['panoptic', 'instance', 'semantic'])
@few
@hypothesis.given(drawn=id_maps(), geometry=geometries, seed=st.integers(0, 99))
@hypothesis.example(drawn=(MANY, MANY_LISTED), geometry=[], seed=0)  # too many for 8 bits
def test_targets_are_those_of_the_picture(task, drawn, geometry, seed):
    ids, listed = drawn
    np.random.seed(seed)
    packed = packed_sample(ids, listed, training(geometry, task))
    sample, targets = packed['data_samples'], packed['data_samples'].targets
    expected = expected_targets(ids_of(packed['inputs']), listed, task)
    assert targets.task == task
    assert targets.labels.tolist() == [label for label, _ in expected]
    assert targets.texts == [f'a photo with a {CLASSES[label]}' for label, _ in expected]
    assert [pixels_of(mask) for mask in targets.masks.dense()] == [mask for _, mask in expected]
    assert pixels_of(targets.masks.id_map > 0) == set().union(*(mask for _, mask in expected))
    assert targets.masks.id_map.shape == packed['inputs'].shape[1:] == sample.img_shape


@few
@hypothesis.given(drawn=id_maps(), width=st.integers(1, 60), height=st.integers(1, 60))
@hypothesis.example(drawn=(MANY, MANY_LISTED), width=9, height=4)
def test_evaluation_has_every_segment_at_the_original_size(drawn, width, height):
    ids, listed = drawn
    resize = {'type': 'mmdet.Resize', 'scale': (width, height)}
    packed = packed_sample(ids, listed, [LOADING[0], resize, LOADING[1], {'type': 'PackOneFormerInputs'}])
    sample = packed['data_samples']
    assert packed['inputs'].shape == (3, height, width)
    numbers, labels = {0: 0}, {0: 255}
    for number, segment in enumerate(listed, start=1):
        numbers[segment['id']], labels[segment['id']] = number, segment['category_id']
        assert sample.segments[number - 1] == {
            'id': number,
            'label': segment['category_id'],
            'iscrowd': segment['iscrowd'],
        }
    assert sample.gt_panoptic_seg.id_map[0].tolist() == [[numbers[value] for value in row] for row in ids.tolist()]
    assert sample.gt_sem_seg.data[0].tolist() == [[labels[value] for value in row] for row in ids.tolist()]


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    config = Config.fromfile(Path(__file__).parents[1] / 'data/tiny_oneformer.py')
    backbone = dict(config.model.backbone, init_cfg=None)
    return MODELS.build(dict(config.model, backbone=backbone, _scope_='mmoneformer'))  # whatever tests before it set


@hypothesis.settings(few, max_examples=5)
@hypothesis.given(
    drawn=st.lists(id_maps(), min_size=2, max_size=3),
    geometry=geometries,
    task=st.sampled_from(['panoptic', 'instance']),
)
def test_any_batch_has_a_finite_loss(model, drawn, geometry, task):
    batch = [packed_sample(*image, training(geometry, task)) for image in drawn]
    batch = {key: [packed[key] for packed in batch] for key in batch[0]}
    data = model.data_preprocessor(batch, training=True)
    largest = np.max([picture.shape[1:] for picture in batch['inputs']], axis=0)
    assert data['inputs'].shape[2:] == tuple(-(-largest // DIVISOR) * DIVISOR)
    for padded, picture in zip(data['inputs'], batch['inputs'], strict=True):
        assert not padded[:, picture.shape[1] :].any()
        assert not padded[:, :, picture.shape[2] :].any()
    losses = model(**data, mode='loss')
    assert all(torch.isfinite(value).all() for value in losses.values())
    total = sum(value for name, value in losses.items() if 'loss' in name)
    model.zero_grad()
    total.backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in model.parameters())
