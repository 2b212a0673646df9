import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData

from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.visualization import draw_instance, draw_panoptic, draw_results, draw_semantic
from mmoneformer.visualization.drawing import SMALLEST, contours, paint
from mmoneformer.visualization.regions import Regions

SIZE = (400, 700)
METAINFO = resolve_metainfo({'classes': ('sky', 'cat'), 'thing_ids': (1,), 'palette': [(0, 0, 255), (255, 0, 0)]})
IMAGE = np.full((*SIZE, 3), 50, np.uint8)
CORNERS = {'sky': (3, 3), 'cat': (396, 696)}  # away from contours and names
CAT_MASK = np.zeros(SIZE, bool)
CAT_MASK[200:, 350:] = True


def at(drawing, name):
    return drawing[CORNERS[name]].tolist()


def test_panoptic():
    drawing = draw_panoptic(IMAGE, np.where(CAT_MASK, 1001, 0), METAINFO, opacity=1.0)
    assert at(drawing, 'sky') == [0, 0, 255]
    assert at(drawing, 'cat') == [255, 0, 0]


def test_instance():
    arguments = np.array([1]), np.array([0.9]), METAINFO
    drawing = draw_instance(IMAGE, CAT_MASK[None], *arguments, opacity=1.0)
    assert at(drawing, 'sky') == [50, 50, 50]
    assert at(drawing, 'cat') == [255, 0, 0]


def test_semantic():
    drawing = draw_semantic(IMAGE, np.where(CAT_MASK, 255, 0), METAINFO, opacity=1.0)
    assert at(drawing, 'sky') == [0, 0, 255]
    assert at(drawing, 'cat') == [50, 50, 50]


@pytest.fixture
def sample():
    labels = torch.from_numpy(CAT_MASK.astype(int))[None]
    sample = DetDataSample()
    sample.pred_panoptic_seg = PixelData(sem_seg=labels * 1001)
    sample.pred_sem_seg = PixelData(sem_seg=labels, data=labels)
    masks = torch.from_numpy(CAT_MASK)[None]
    sample.pred_instances = InstanceData(masks=masks, labels=torch.tensor([1]), scores=torch.tensor([0.9]))
    return sample


def test_results_of_a_data_sample(sample):
    drawn = draw_results(IMAGE, sample, METAINFO, ['semantic', 'panoptic', 'instance'])
    assert list(drawn) == ['semantic', 'panoptic', 'instance']
    np.testing.assert_array_equal(drawn['panoptic'], draw_panoptic(IMAGE, CAT_MASK * 1001, METAINFO))
    np.testing.assert_array_equal(drawn['semantic'], draw_semantic(IMAGE, CAT_MASK * 1, METAINFO))
    instances = CAT_MASK[None], np.array([1]), np.array([0.9], np.float32)
    np.testing.assert_array_equal(drawn['instance'], draw_instance(IMAGE, *instances, METAINFO))


def test_draws_what_is_asked_alone(sample):
    del sample.pred_instances
    assert list(draw_results(IMAGE, sample, METAINFO, ['panoptic'])) == ['panoptic']


GRAY = 100


def gray_image(height, width):
    return np.full((height, width, 3), GRAY, np.uint8)


def half_painted(height, width):
    id_map = np.zeros((height, width), np.uint16)
    id_map[:, width // 2 :] = 1
    return Regions(id_map, [0], [(200, 0, 40)], [''])


@pytest.mark.parametrize('opacity', [0.0, 0.3, 1.0])
def test_mixes_colors_inside_alone(opacity):
    image = gray_image(480, 800)
    painted = paint(image, half_painted(480, 800), opacity)
    assert painted.shape == (480, 800, 3)
    np.testing.assert_array_equal(painted[:, :400], image[:, :400])
    expected = [(1 - opacity) * GRAY + opacity * channel for channel in (200, 0, 40)]
    np.testing.assert_allclose(painted[5, 700], expected, atol=1)
    assert (image == GRAY).all(), 'the input is left as it was'


def test_contour_is_lighter_and_inside():
    painted = paint(gray_image(480, 800), half_painted(480, 800), opacity=1.0)
    assert (painted[5, 400] == [227, 127, 147]).all()
    assert (painted[5, 399] == GRAY).all()


def test_contours_at_borders_of_regions():
    id_map = np.zeros((5, 9), np.uint16)
    id_map[:, 3:6], id_map[:, 6:] = 1, 2
    expected = np.zeros((5, 9), bool)
    expected[:, [3, 5, 6]] = True
    np.testing.assert_array_equal(contours(id_map, width=1), expected)


def test_names_can_be_left_out():
    regions = half_painted(480, 800)._replace(texts=['cat'])
    with_names, without = (paint(gray_image(480, 800), regions, names=names) for names in (True, False))
    assert len(np.unique(without.reshape(-1, 3), axis=0)) == 3, 'the image, the region and its contour'
    assert len(np.unique(with_names.reshape(-1, 3), axis=0)) > 3


def test_enlarges_a_small_image():
    painted = paint(gray_image(40, 64), half_painted(40, 64), opacity=1.0)
    assert painted.shape == (400, SMALLEST, 3)
    assert (painted[200, :300] == GRAY).all()
    assert (painted[200, 500] == [200, 0, 40]).all()


def test_many_regions_on_a_small_image():
    id_map = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30)
    regions = Regions(id_map, [0] * 599, [(200, 0, 40)] * 599, [''] * 599)
    assert paint(gray_image(20, 30), regions).shape == (440, 660, 3)


@pytest.mark.parametrize('image', [gray_image(40, 63), gray_image(40, 64).astype(float), gray_image(40, 64)[..., 0]])
def test_refuses_an_image_that_does_not_fit(image):
    with pytest.raises(ValueError, match=r'expected an image uint8 \(40, 64, 3\), as the result is, got '):
        paint(image, half_painted(40, 64))


@pytest.mark.parametrize('opacity', [-0.1, 1.5])
def test_refuses_an_opacity_out_of_range(opacity):
    with pytest.raises(ValueError, match=f'opacity must be in 0..1, got {opacity}'):
        paint(gray_image(40, 64), half_painted(40, 64), opacity)
