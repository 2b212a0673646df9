from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from mmoneformer_deploy import png
from mmoneformer_deploy.png import encode_png
from mmoneformer_deploy.result_files import MARK


@pytest.mark.parametrize('mode', ['RGB', 'P', 'L', 'I;16'])
@pytest.mark.parametrize('size', [(37, 53), (1, 1)])
def test_read_as_they_were(mode, size):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (*size, 3) if mode == 'RGB' else size, np.uint8)
    image = Image.fromarray(pixels.astype(np.uint16) if mode == 'I;16' else pixels)
    if mode == 'P':
        image.putpalette(random.integers(0, 256, 768, np.uint8).tobytes())
    with Image.open(BytesIO(encode_png(image))) as read:
        read.load()  # checks the sums, too
        assert read.mode == mode
        np.testing.assert_array_equal(np.asarray(read), np.asarray(image))
        assert read.getpalette() == image.getpalette()
        assert read.text['Comment'] == MARK


def test_strips_continue_each_other(monkeypatch):
    """Of an image with a fourth channel, which is left out."""
    monkeypatch.setattr(png, 'STRIP', 7)
    pixels = np.random.default_rng(0).integers(0, 256, (23, 5, 4), np.uint8)
    image = Image.frombuffer('RGBX', (5, 23), pixels, 'raw', 'RGBX', 0, 1)
    with Image.open(BytesIO(encode_png(image))) as read:
        np.testing.assert_array_equal(np.asarray(read), pixels[..., :3])


def test_maps_are_small():
    pixels = np.zeros((480, 640), np.uint8)
    pixels[100:300, 200:500] = 7
    assert len(encode_png(Image.fromarray(pixels))) < 4000
