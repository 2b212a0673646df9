import io

import cv2
import numpy as np
import pytest
from PIL import Image

from mmoneformer.datasets.transforms.load_image import LoadImageFromFile
from mmoneformer.registry import TRANSFORMS

SMOOTH = cv2.resize(np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8), (24, 16))  # BGR


def encode(kind: str, mode: str = 'RGB', image: np.ndarray = SMOOTH, **options) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image[..., ::-1].copy()).convert(mode).save(content, kind, **options)
    return content.getvalue()


def thumbnail_in(content: bytes, thumbnail: bytes) -> bytes:
    """A JPEG with another one in its headers."""
    return content[:2] + b'\xff\xe2' + (len(thumbnail) + 2).to_bytes(2, 'big') + thumbnail + content[2:]


def with_orientation(content: bytes, orientation: int) -> bytes:
    exif = b'Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0' + bytes([orientation]) + b'\0' * 7
    return content[:2] + b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif + content[2:]


@pytest.fixture
def load(tmp_path):
    """Writes a file and reads it as an image; the suffix is often wrong, and does not matter."""

    def load(content: bytes, options=None, **sample):
        path = tmp_path / 'x.jpg'
        path.write_bytes(content)
        return LoadImageFromFile(**(options or {}))({'img_path': str(path), **sample})

    return load


def test_configs_get_this_one():
    assert type(TRANSFORMS.build({'type': 'LoadImageFromFile'})) is LoadImageFromFile


def test_colors_are_in_bgr_order(load):
    results = load(encode('PNG'))
    np.testing.assert_array_equal(results['img'], SMOOTH)
    assert results['img_shape'] == results['ori_shape'] == (16, 24)
    floats = load(encode('PNG'), {'to_float32': True, 'imdecode_backend': 'pillow'})['img']
    assert floats.dtype == np.float32
    np.testing.assert_array_equal(floats, SMOOTH)


@pytest.mark.parametrize('mode', ['L', 'LA', 'P', 'RGBA', '1'])
def test_pictures_of_other_color_types(load, mode):
    content = encode('PNG', mode)
    expected = np.asarray(Image.open(io.BytesIO(content)).convert('RGB'))[..., ::-1]
    np.testing.assert_array_equal(load(content)['img'], expected)


def test_cmyk(load):
    error = np.abs(load(encode('JPEG', 'CMYK', quality=100))['img'].astype(int) - SMOOTH)
    assert error.max() < 12


def test_16_bits_are_cut_to_the_upper_8(load):
    content = cv2.imencode('.png', SMOOTH.astype(np.uint16) * 256 + 200)[1].tobytes()
    np.testing.assert_array_equal(load(content)['img'], SMOOTH)


@pytest.mark.parametrize('kind', ['PNG', 'WEBP'])
def test_first_frame_of_several(load, kind):
    options = {'lossless': True} if kind == 'WEBP' else {}
    frames = [Image.fromarray(255 - SMOOTH)]
    np.testing.assert_array_equal(load(encode(kind, save_all=True, append_images=frames, **options))['img'], SMOOTH)


def test_orientation(load):
    content = with_orientation(encode('JPEG', quality=100, subsampling=0), 6)
    upright = load(content)['img'].astype(int)
    assert np.abs(upright - np.rot90(SMOOTH, -1)).max() < 12
    stored = load(content, {'color_type': 'color_ignore_orientation'})['img'].astype(int)
    assert np.abs(stored - SMOOTH).max() < 12


def test_orientation_that_the_annotation_does_not_follow(load):
    content = with_orientation(encode('JPEG'), 6)
    assert load(content, height=24, width=16)['ori_shape'] == (24, 16)
    with pytest.raises(
        ValueError,
        match=r'x\.jpg has height and width \(16, 24\), but its image has \(24, 16\); .*color_ignore_orientation',
    ):
        load(content, height=16, width=24)


def test_other_size_than_the_annotation(load):
    with pytest.raises(ValueError, match=r'annotation of .*x\.jpg has height and width \(8, 12\).*the same release'):
        load(encode('PNG'), height=8, width=12)


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP', 'BMP', 'TIFF', 'GIF'])
@pytest.mark.parametrize('share', [0.02, 0.5, 0.9])
def test_files_cut_short(load, kind, share):
    content = encode(kind)
    with pytest.raises(ValueError, match=r'x\.jpg is (not a readable image|a truncated JPEG)'):
        load(content[: int(len(content) * share)])


@pytest.mark.parametrize('progressive', [False, True])
def test_jpeg_cut_short_behind_a_complete_thumbnail(load, progressive):
    content = encode('JPEG', progressive=progressive, quality=100)
    complete = thumbnail_in(content, encode('JPEG', image=SMOOTH[:8, :8]))
    assert load(complete)['img'].shape == (16, 24, 3)
    with pytest.raises(ValueError, match=r'x\.jpg is a truncated JPEG'):
        load(complete[: -len(content) // 3])


def test_what_follows_a_jpeg_does_not_matter(load):
    content = encode('JPEG')
    np.testing.assert_array_equal(load(content + b'\xff\xda of a film')['img'], load(content)['img'])


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', r'x\.jpg is empty'),
        (b'<html>404</html>', r'x\.jpg is not a readable image'),
        (b'\xff\xd8', r'x\.jpg is not a readable image'),
        (b'\xff\xd8' + b'\xff' * 500, r'x\.jpg is not a readable image'),
        (b'\x89PNG\r\n\x1a\n broken', r'x\.jpg is not a readable image'),
    ],
)
@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
def test_what_is_no_picture(load, content, message, backend):
    with pytest.raises(ValueError, match=message):
        load(content, {'imdecode_backend': backend})


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.png'):
        LoadImageFromFile()({'img_path': str(tmp_path / 'none.png')})
