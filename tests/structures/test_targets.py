import numpy as np
import pytest
import torch
from torch.nn import functional

from mmoneformer.structures.segment_map import SegmentMap
from mmoneformer.structures.targets import TargetMasks, Targets, id_map_tensor

HEIGHT, WIDTH, TARGETS, POINTS = 7, 11, 5, 256


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def id_map(generator):
    """Ids 0 to 5 in blocks and single pixels; target 3 (id 4) has no pixel."""
    ids = torch.randint(0, TARGETS + 1, (HEIGHT, WIDTH), generator=generator)
    ids[:3, :4] = 2
    ids[ids == 4] = 0
    return ids


def grid_sample(id_map, targets, points, padded_size):
    """The plain form: dense masks, padded with zeros at the bottom and the right, sampled by torch."""
    masks = torch.stack([id_map == target + 1 for target in targets.tolist()])
    height, width = padded_size
    padded = functional.pad(masks.double(), (0, width - id_map.shape[1], 0, height - id_map.shape[0]))
    grid = 2 * points.double().expand(len(targets), -1, -1)[:, None] - 1
    return functional.grid_sample(padded[:, None], grid, align_corners=False)[:, 0, 0].float()


@pytest.mark.parametrize('dtype', [torch.uint8, torch.uint16, torch.int32, torch.int64])
@pytest.mark.parametrize('padded_size', [(HEIGHT, WIDTH), (HEIGHT + 1, WIDTH + 5), (16, 32)])
@pytest.mark.parametrize('shared', [False, True], ids=['own points', 'shared points'])
def test_samples_equal_grid_sample_of_dense_masks(id_map, generator, dtype, padded_size, shared):
    targets = torch.tensor([4, 1, 3, 1])
    points = torch.rand(1 if shared else len(targets), POINTS, 2, generator=generator) * 1.4 - 0.2
    samples = TargetMasks(id_map.to(dtype), TARGETS).sample(targets, points, padded_size)
    torch.testing.assert_close(samples, grid_sample(id_map, targets, points, padded_size), atol=1e-5, rtol=0)
    assert samples[0].max() > 0.1
    assert not samples[2].any()  # the target without a pixel


def test_samples_on_borders_and_pixel_centres_equal_grid_sample(id_map):
    places = [(x / WIDTH, y / HEIGHT) for x in (0, 0.5, 4, WIDTH - 0.5, WIDTH) for y in (0, 0.5, 3, HEIGHT)]
    points = torch.tensor(places)[None]
    targets = torch.arange(TARGETS)
    samples = TargetMasks(id_map, TARGETS).sample(targets, points, (HEIGHT, WIDTH))
    torch.testing.assert_close(samples, grid_sample(id_map, targets, points, (HEIGHT, WIDTH)), atol=1e-5, rtol=0)


def test_a_pixel_center_reads_its_pixel_alone():
    masks = TargetMasks(torch.tensor([[1, 2, 0], [0, 0, 0]], dtype=torch.uint8), 2)
    center_of_second = torch.tensor([[[1.5 / 3, 0.5 / 2]]])
    corner_of_four = torch.tensor([[[1 / 3, 1 / 2]]])
    targets = torch.tensor([0, 1])
    assert masks.sample(targets, center_of_second, (2, 3)).tolist() == [[0.0], [1.0]]
    assert masks.sample(targets, corner_of_four, (2, 3)).tolist() == [[0.25], [0.25]]


def test_dense_masks_are_the_ids(id_map):
    masks = TargetMasks(id_map.to(torch.uint8), TARGETS)
    expected = torch.stack([id_map == identifier for identifier in range(1, TARGETS + 1)])
    assert len(masks) == TARGETS
    assert torch.equal(masks.dense(), expected)


def test_an_image_without_targets_has_empty_samples():
    masks = TargetMasks(torch.zeros(HEIGHT, WIDTH, dtype=torch.uint8), 0)
    samples = masks.sample(torch.zeros(0, dtype=torch.int64), torch.rand(1, POINTS, 2), (HEIGHT, WIDTH))
    assert samples.shape == (0, POINTS)
    assert masks.dense().shape == (0, HEIGHT, WIDTH)


def test_to_moves_the_map(id_map):
    moved = TargetMasks(id_map, TARGETS).to('meta')
    assert moved.id_map.device.type == 'meta'
    assert len(moved) == TARGETS


@pytest.fixture
def overlapping(generator):
    """Five masks that overlap anyhow, and the same as a map: each set of masks that share a pixel is a value."""
    dense = torch.rand(TARGETS, HEIGHT, WIDTH, generator=generator) < 0.4
    dense[:, 0, :3] = False
    dense[3] = False
    codes = (dense * 2 ** torch.arange(TARGETS)[:, None, None]).sum(0)
    values, id_map = codes.unique(return_inverse=True)  # sorted: the empty set is value 0
    members = values[:, None] // 2 ** torch.arange(TARGETS) % 2 == 1
    return dense, TargetMasks(id_map.to(torch.uint8), TARGETS, members)


@pytest.mark.parametrize('shared', [False, True], ids=['own points', 'shared points'])
def test_samples_of_overlapping_masks_equal_grid_sample(overlapping, generator, shared):
    dense, masks = overlapping
    targets = torch.tensor([4, 1, 3, 1])
    points = torch.rand(1 if shared else len(targets), POINTS, 2, generator=generator) * 1.4 - 0.2
    padded = functional.pad(dense[targets].double(), (0, 5, 0, 1))
    grid = 2 * points.double().expand(len(targets), -1, -1)[:, None] - 1
    expected = functional.grid_sample(padded[:, None], grid, align_corners=False)[:, 0, 0].float()
    samples = masks.sample(targets, points, (HEIGHT + 1, WIDTH + 5))
    torch.testing.assert_close(samples, expected, atol=1e-5, rtol=0)
    assert samples[0].max() > 0.1


def test_dense_overlapping_masks(overlapping):
    dense, masks = overlapping
    assert torch.equal(masks.dense(), dense)
    assert (dense.sum(0) > 1).any()


def test_to_moves_the_table_too(overlapping):
    moved = overlapping[1].to('meta')
    assert moved.id_map.device.type == moved.members.device.type == 'meta'


@pytest.mark.parametrize(('dtype', 'expected'), [('uint8', torch.uint8), ('uint16', torch.int32)])
def test_id_maps_become_tensors_that_can_be_indexed(dtype, expected):
    flipped = np.arange(6).reshape(2, 3).astype(dtype)[::-1, ::-1]
    tensor = id_map_tensor(flipped)
    assert tensor.dtype == expected
    assert tensor.tolist() == [[5, 4, 3], [2, 1, 0]]


@pytest.mark.parametrize('members', [None, np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 1]], bool)])
def test_masks_of_segments(members):
    segments = SegmentMap(np.array([[0, 1, 2], [3, 3, 0]], np.uint16), 3, members)
    masks = TargetMasks.of_segments(segments)
    assert len(masks) == 3
    np.testing.assert_array_equal(masks.dense(), segments.masks())


def test_length_is_the_number_of_targets():
    masks = TargetMasks(torch.tensor([[1, 2]]), 2)
    assert len(Targets('panoptic', ['', ''], torch.tensor([0, 3]), masks)) == 2


def test_to_moves_labels_and_masks_and_keeps_the_rest():
    masks = TargetMasks(torch.tensor([[1, 0]]), 1)
    moved = Targets('panoptic', ['a photo with a cat'], torch.tensor([0]), masks, unlabeled=[4]).to('meta')
    assert moved.labels.device.type == moved.masks.id_map.device.type == 'meta'
    assert (moved.task, moved.texts, moved.unlabeled) == ('panoptic', ['a photo with a cat'], [4])
