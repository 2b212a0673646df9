import numpy as np
import pytest

from mmoneformer_drawing.painting import SMALLEST, contours, paint
from mmoneformer_drawing.regions import Regions

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
