import cv2
import numpy as np
import pytest

from mmoneformer.rasters.raster import Raster
from mmoneformer.tiling.grid import Window

from .conftest import CRS, TRANSFORM, write_raster

WINDOW = Window(5, 20, 35, 70)


def test_bands_and_range(raster_file, values):
    with Raster(raster_file, bands=(4, 3, 2), value_range=(0, 3000)) as raster:
        found = raster.read(WINDOW)
        assert (raster.size, raster.transform, raster.crs) == ((60, 90), TRANSFORM, CRS)
    expected = (values[[1, 2, 3], 5:35, 20:70] / 3000 * 255).clip(0, 255)  # blue, green, red
    np.testing.assert_allclose(found.transpose(2, 0, 1), expected, atol=0.51)
    assert found.dtype == np.uint8


def test_pixels_without_data(raster_file, values):
    with Raster(raster_file, bands=(4, 3, 2), value_range=(0, 3000)) as raster:
        np.testing.assert_array_equal(raster.valid(WINDOW), np.broadcast_to(np.arange(20, 70) >= 30, (30, 50)))


def test_a_color_image_as_it_is(tmp_path):
    bands = np.random.default_rng(0).integers(0, 256, (3, 20, 30), np.uint8)
    with Raster(write_raster(tmp_path / 'color.tif', bands)) as raster:
        np.testing.assert_array_equal(raster.read(Window(0, 0, 20, 30)), bands[::-1].transpose(1, 2, 0))
        assert raster.valid(WINDOW) is None
        expected = cv2.resize(bands.transpose(1, 2, 0), (15, 10), interpolation=cv2.INTER_AREA)[..., ::-1]
        np.testing.assert_allclose(raster.reduced(15), expected, atol=1)


def test_a_gray_image_as_it_is(tmp_path):
    bands = np.random.default_rng(0).integers(0, 256, (1, 20, 30), np.uint8)
    with Raster(write_raster(tmp_path / 'gray.tif', bands)) as raster:
        np.testing.assert_array_equal(raster.read(Window(0, 0, 20, 30)), bands[0][..., None].repeat(3, axis=2))


def test_floats_that_are_no_numbers(tmp_path):
    bands = np.full((3, 4, 5), 0.5, np.float32)
    bands[1, 2, 3] = np.nan
    with Raster(write_raster(tmp_path / 'float.tif', bands), value_range=(0, 1)) as raster:
        expected = np.ones((4, 5), bool)
        expected[2, 3] = False
        np.testing.assert_array_equal(raster.valid(Window(0, 0, 4, 5)), expected)
        assert raster.read(Window(0, 0, 4, 5))[0, 0].tolist() == [128] * 3


@pytest.mark.parametrize(
    ('shape', 'dtype', 'arguments', 'message'),
    [
        ((4, 4, 5), 'uint16', {}, '4 bands of uint16: choose three of them'),
        ((3, 4, 5), 'uint16', {}, '3 bands of uint16: state which values become black and white'),
        ((4, 4, 5), 'uint8', {'bands': (1, 2, 5)}, r'choose three of them, from 1, or one, got bands \[1, 2, 5\]'),
        ((4, 4, 5), 'uint8', {'bands': (1, 2)}, r'got bands \[1, 2\]'),
        ((3, 4, 5), 'uint16', {'value_range': (5, 5)}, r'a lower and a higher end, got \[5, 5\]'),
    ],
)
def test_nothing_is_cut_silently(tmp_path, shape, dtype, arguments, message):
    path = write_raster(tmp_path / 'x.tif', np.zeros(shape, dtype), photometric='minisblack')
    with pytest.raises(ValueError, match=message):
        Raster(path, **arguments)


def test_a_palette(tmp_path):
    import rasterio

    path = write_raster(tmp_path / 'x.tif', np.zeros((1, 4, 5), np.uint8))
    with rasterio.open(path, 'r+') as file:
        file.write_colormap(1, {0: (255, 0, 0)})
    with pytest.raises(ValueError, match=r'x\.tif has a palette'):
        Raster(path)


def test_what_is_no_raster(tmp_path):
    (tmp_path / 'x.tif').write_text('no raster')
    with pytest.raises(ValueError, match=r'x\.tif is not a readable raster'):
        Raster(tmp_path / 'x.tif')
