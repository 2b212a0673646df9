"""Images of every kind have the pixels that the first transform of a test pipeline loads."""

import cv2
import numpy as np
import pytest
from PIL import Image

from mmoneformer.datasets.transforms import LoadImageFromFile
from mmoneformer_deploy.read_image import read_image

HEIGHT, WIDTH = 41, 53
NOISE = np.random.default_rng(0).integers(0, 65536, (HEIGHT, WIDTH, 4), dtype=np.uint16)
PICTURE = Image.fromarray(cv2.resize((NOISE[:5, :7, :3] >> 8).astype(np.uint8), (WIDTH, HEIGHT)))


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


def with_alpha(mode):
    image = PICTURE.convert(mode)
    image.putalpha(PICTURE.convert('L'))
    return image


SAVED = {
    'color.jpg': (PICTURE, {'quality': 90}),
    'progressive.jpg': (PICTURE, {'progressive': True}),
    'full.jpg': (PICTURE, {'subsampling': 0}),
    'gray.jpg': (PICTURE.convert('L'), {}),
    'cmyk.jpg': (PICTURE.convert('CMYK'), {}),
    **{f'turned{number}.jpg': (PICTURE, {'exif': exif(number)}) for number in range(1, 9)},
    'turned.png': (PICTURE, {'exif': exif(6)}),
    'turned.webp': (PICTURE, {'exif': exif(8), 'lossless': True}),
    'color.png': (PICTURE, {}),
    'gray.png': (PICTURE.convert('L'), {}),
    'bits.png': (PICTURE.convert('1'), {}),
    'palette.png': (PICTURE.quantize(16), {}),
    'palette_with_alpha.png': (PICTURE.quantize(16), {'transparency': 3}),
    'alpha.png': (with_alpha('RGB'), {}),
    'gray_with_alpha.png': (with_alpha('L'), {}),
    'alpha.webp': (with_alpha('RGB'), {}),
    'color.webp': (PICTURE, {'quality': 80}),
    'color.bmp': (PICTURE, {}),
    'palette.bmp': (PICTURE.quantize(16), {}),
    'color.tif': (PICTURE, {'compression': 'tiff_lzw'}),
    'gray.tif': (PICTURE.convert('L'), {}),
    'two.gif': (PICTURE.quantize(16), {'save_all': True, 'append_images': [PICTURE.rotate(180).quantize(16)]}),
}


def check(path):
    expected = LoadImageFromFile()({'img_path': str(path)})['img']
    np.testing.assert_array_equal(read_image(path)[..., ::-1], expected, strict=True)


@pytest.mark.parametrize('name', SAVED)
def test_pixels(name, tmp_path):
    if name == 'turned.webp' and int(cv2.__version__.split('.')[0]) < 5:
        pytest.skip('OpenCV below 5 ignores the orientation of WebP files')
    image, options = SAVED[name]
    image.save(tmp_path / name, **options)
    check(tmp_path / name)


@pytest.mark.parametrize(
    ('name', 'values'),
    [('gray.png', NOISE[..., 0]), ('color.png', NOISE[..., :3]), ('alpha.png', NOISE), ('gray.tif', NOISE[..., 0])],
)
def test_pixels_of_16_bits(name, values, tmp_path):
    cv2.imwrite(str(tmp_path / name), values)
    check(tmp_path / name)


def test_names_what_it_cannot_read(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'gone\.png'):
        read_image(tmp_path / 'gone.png')
    (tmp_path / 'text.png').write_text('no image')
    with pytest.raises(ValueError, match=r'text\.png is not a readable image: it is damaged or of an unknown format'):
        read_image(tmp_path / 'text.png')
    PICTURE.save(tmp_path / 'cut.jpg')
    content = (tmp_path / 'cut.jpg').read_bytes()
    (tmp_path / 'cut.jpg').write_bytes(content[:-100])
    with pytest.raises(ValueError, match=r'cut\.jpg is not a readable image: image file is truncated'):
        read_image(tmp_path / 'cut.jpg')
