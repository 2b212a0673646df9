"""A raster with bands of 16 bits, a reference system, and pixels without data."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

TRANSFORM = from_origin(500000, 5500000, 10, 10)  # UTM 32N, pixels of 10 m
CRS = 'EPSG:32632'


def write_raster(path, bands, **settings):
    count, height, width = bands.shape
    settings = dict(driver='GTiff', height=height, width=width, count=count, dtype=bands.dtype) | settings
    with rasterio.open(path, 'w', **{'crs': CRS, 'transform': TRANSFORM, **settings}) as file:
        file.write(bands)
    return path


@pytest.fixture(scope='session')
def values():
    """Four bands of 16 bits, 1 to 4000; the left third has no data (0)."""
    values = np.random.default_rng(0).integers(1, 4000, (4, 60, 90), np.uint16)
    values[:, :, :30] = 0
    return values


@pytest.fixture(scope='session')
def raster_file(values, tmp_path_factory):
    return write_raster(tmp_path_factory.mktemp('rasters') / 'scene.tif', values, nodata=0)
