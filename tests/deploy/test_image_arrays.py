import io

import numpy as np
import pytest
from PIL import Image

from mmoneformer_deploy.image_arrays import check_channels, rgb_array
from mmoneformer_deploy.read_image import read_image

ARRAY = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
ALPHA = np.dstack([ARRAY, ARRAY[..., :1]])
TURNED = Image.Exif()
TURNED[0x0112] = 6  # by a right angle


def test_arrays_are_not_copied():
    assert rgb_array(ARRAY, 'rgb') is ARRAY
    np.testing.assert_array_equal(rgb_array(ARRAY), ARRAY[..., ::-1])
    assert np.shares_memory(rgb_array(ARRAY), ARRAY)


@pytest.mark.parametrize(
    ('array', 'expected'),
    [
        (
            ARRAY / 255,
            r'float64 \[40, 50, 3\]: scale its values to 0..255, and convert them with .astype\(numpy.uint8\)',
        ),
        (ARRAY.astype(np.uint16), r'uint16 \[40, 50, 3\]: scale its values'),
        (ARRAY > 0, r'bool \[40, 50, 3\]: scale its values'),
        (ALPHA, r'uint8 \[40, 50, 4\]: leave the alpha channel out with array\[..., :3\]'),
        (ARRAY.transpose(2, 0, 1), r'uint8 \[3, 40, 50\]: put the channels last with array.transpose\(1, 2, 0\)'),
        (ARRAY[..., 0], r'uint8 \[40, 50\]: repeat its gray values with numpy.dstack'),
        (ARRAY[..., :1], r'uint8 \[40, 50, 1\]: repeat its gray values with numpy.dstack'),
        (ARRAY[None], r'uint8 \[1, 40, 50, 3\]: give a batch as a list of its images, list\(array\)'),
        (ARRAY[..., :2], r'uint8 \[40, 50, 2\]$'),
        (ARRAY[:0], r'uint8 \[0, 50, 3\]$'),
    ],
)
def test_arrays_that_are_no_images(array, expected):
    with pytest.raises(ValueError, match=f'an image array must be BGR, uint8 .H, W, 3., got {expected}'):
        rgb_array(array)
    with pytest.raises(ValueError, match=f'an image array must be RGB, uint8 .H, W, 3., got {expected}'):
        rgb_array(array, 'rgb')


def test_remedies_are_right():
    for array in (np.dstack([ARRAY[..., 0]] * 3), np.dstack([ARRAY[..., :1]] * 3)):
        np.testing.assert_array_equal(rgb_array(array, 'rgb'), ARRAY[..., [0, 0, 0]])


@pytest.mark.parametrize(
    ('image', 'options'),
    [
        (Image.fromarray(ARRAY), {}),
        (Image.fromarray(ALPHA), {}),
        (Image.fromarray(ARRAY[..., 0]), {}),
        (Image.fromarray(ARRAY[..., 0].astype(np.uint16) * 257), {}),
        (Image.fromarray(ARRAY).convert('P'), {}),
        (Image.fromarray(ARRAY[..., 0] > 100), {}),
        (Image.fromarray(ARRAY), {'exif': TURNED}),
    ],
    ids=['RGB', 'RGBA', 'L', 'I;16', 'P', '1', 'turned'],
)
def test_images_of_pillow_are_what_their_files_are(image, options, tmp_path):
    image.save(tmp_path / 'x.png', **options)
    expected = read_image(tmp_path / 'x.png')
    assert expected.shape == ((50, 40, 3) if options else (40, 50, 3))
    with Image.open(tmp_path / 'x.png') as opened:
        np.testing.assert_array_equal(rgb_array(opened), expected)
    if not options:
        np.testing.assert_array_equal(rgb_array(image), expected)


def test_images_of_pillow_that_cannot_be_read():
    with pytest.raises(ValueError, match="PIL image of mode 'F' has values of unknown range: scale them to 0..255"):
        rgb_array(Image.fromarray(np.ones((4, 5), np.float32)))
    file = io.BytesIO()
    Image.fromarray(ARRAY).save(file, 'PNG')
    with pytest.raises(ValueError, match='a PIL image cannot be read: '):
        rgb_array(Image.open(io.BytesIO(file.getvalue()[:500])))


def test_channels():
    check_channels('rgb')
    with pytest.raises(ValueError, match="channels must be 'bgr' or 'rgb', the order in arrays, got 'gbr'"):
        check_channels('gbr')
