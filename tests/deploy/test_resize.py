import cv2
import mmcv
import numpy as np
import pytest

from mmoneformer_deploy.resize import resize_image, resized_size

PICTURE = np.random.default_rng(0).integers(0, 256, (97, 131, 3), dtype=np.uint8)
SIZES = [(97, 131), (80, 109), (194, 262), (61, 17), (1, 1), (300, 411), (49, 66), (33, 500)]


@pytest.mark.parametrize('size', SIZES, ids=str)
def test_equal_to_opencv(size):
    expected = cv2.resize(PICTURE, size[::-1], interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(resize_image(PICTURE, size), expected, strict=True)


def test_halves_and_single_pixels():
    """Where OpenCV has special code."""
    for picture, size in ((PICTURE[:96, :130], (48, 65)), (PICTURE[:1, :1], (7, 5)), (PICTURE[:, :1], (97, 4))):
        expected = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_LINEAR)
        np.testing.assert_array_equal(resize_image(picture, size), expected)


@pytest.mark.parametrize('scale', [(160, 128), (128, 160), (1333, 800), (37, 41)])
@pytest.mark.parametrize('size', [(97, 131), (131, 97), (480, 640), (333, 2000)])
def test_sizes_are_those_of_mmcv(size, scale):
    width, height = mmcv.rescale_size(size[::-1], scale)
    assert resized_size(size, scale, keep_ratio=True) == (height, width)
    assert resized_size(size, scale, keep_ratio=False) == scale[::-1]


def test_a_line_keeps_a_pixel():
    assert resized_size((1, 5000), (160, 128), keep_ratio=True) == (1, 160)
