"""A raster as a picture whose windows are read: three bands, in 8 bits."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from mmoneformer.packages import load_package
from mmoneformer.tiling.grid import Window
from mmoneformer.tiling.picture import reduced_size

CACHE = 128 * 2**20  # bytes of blocks that GDAL keeps: its default is a share of the machine's memory


class Raster:
    """A raster that rasterio opens, such as a GeoTIFF; a ``Picture``.

    It is a context manager, which closes the file.

    Args:
        path: The file.
        bands: Numbers of the bands, from 1, that become red, green and blue, or of one that becomes gray; None for the
            bands of a color or gray image of 8 bits.
        value_range: The values that become black and white; None if the bands have 8 bits, which are taken as they
            are.

    Attributes:
        size: Height and width, in pixels.
        crs: Coordinate reference system, of rasterio; None if the file has none.
        transform: From columns and rows to coordinates, an ``affine.Affine``.

    Raises:
        ImportError: If rasterio is not installed.
        ValueError: If the file is not a raster, or if bands and range do not fit it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        bands: Sequence[int] | None = None,
        value_range: Sequence[float] | None = None,
    ) -> None:
        self._rasterio = load_package('rasterio')
        self._path = path
        with self._named():
            self._file = self._rasterio.open(path)
        self.size = (self._file.height, self._file.width)
        self.crs, self.transform = self._file.crs, self._file.transform
        self._bands = _chosen_bands(self._file, path, bands, value_range)
        self._range = None if value_range is None else np.array(value_range, np.float32)
        flags = {flag for band in set(self._bands) for flag in self._file.mask_flag_enums[band - 1]}
        self._is_float = any(self._file.dtypes[band - 1].startswith('float') for band in self._bands)
        self._is_all_valid = flags == {self._rasterio.enums.MaskFlags.all_valid} and not self._is_float

    def __enter__(self) -> 'Raster':
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def read(self, window: Window) -> np.ndarray:
        """The pixels of a window, BGR, uint8 [h, w, 3]."""
        return self._to_bytes(self._read(window))

    def valid(self, window: Window) -> np.ndarray | None:
        """Which pixels of a window have data in one of the bands, and no infinite value in any; None for all."""
        if self._is_all_valid:
            return None
        with self._named():
            valid = self._file.read_masks(self._bands, window=_slices(window)).any(0)
        return valid & np.isfinite(self._read(window)).all(0) if self._is_float else valid

    def reduced(self, side: int) -> np.ndarray:
        """The whole raster, BGR, uint8, with a longer side of at most ``side`` pixels."""
        shape = (len(self._bands), *reduced_size(self.size, side))
        average = self._rasterio.enums.Resampling.average
        with self._named():
            return self._to_bytes(self._file.read(self._bands, out_shape=shape, resampling=average))

    def _read(self, window: Window) -> np.ndarray:
        with self._named():
            return self._file.read(self._bands, window=_slices(window))

    def _to_bytes(self, values: np.ndarray) -> np.ndarray:
        """From bands, [3, h, w], to BGR, uint8 [h, w, 3]."""
        if self._range is not None:
            low, high = self._range
            scaled = (np.nan_to_num(values.astype(np.float32), nan=low) - low) * (255 / (high - low))
            values = np.rint(scaled.clip(0, 255)).astype(np.uint8)
        return np.ascontiguousarray(values[::-1].transpose(1, 2, 0))

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Limit GDAL's cache, and name the file in errors."""
        try:
            with self._rasterio.Env(GDAL_CACHEMAX=CACHE):
                yield
        except self._rasterio.errors.RasterioError as error:
            raise ValueError(f'{self._path} is not a readable raster: {error}') from error


def _slices(window: Window) -> tuple[tuple[int, int], tuple[int, int]]:
    return (window.top, window.bottom), (window.left, window.right)


def _chosen_bands(
    file: Any, path: str | os.PathLike[str], bands: Sequence[int] | None, value_range: Sequence[float] | None
) -> list[int]:
    """The three bands that are read.

    Raises:
        ValueError: If they are not stated, and do not follow from the file.
    """
    content = f'{path} has {file.count} band{"s" if file.count > 1 else ""} of {", ".join(sorted(set(file.dtypes)))}'
    if value_range is not None and not value_range[0] < value_range[1]:
        raise ValueError(f'the range of values needs a lower and a higher end, got {list(value_range)}')
    colors = [kind.name for kind in file.colorinterp]
    if 'palette' in colors:
        raise ValueError(f'{path} has a palette: expand it to red, green and blue (gdal_translate -expand rgb)')
    if bands is None:
        bands = [number for number, color in enumerate(colors, start=1) if color != 'alpha']
        if len(bands) not in (1, 3):
            raise ValueError(f'{content}: choose three of them for red, green and blue, for example bands 4 3 2')
    if len(bands) not in (1, 3) or not all(1 <= band <= file.count for band in bands):
        raise ValueError(f'{content}: choose three of them, from 1, or one, got bands {list(bands)}')
    if value_range is None and any(file.dtypes[band - 1] != 'uint8' for band in bands):
        raise ValueError(f'{content}: state which values become black and white, for example the range 0 3000')
    return list(bands) * (3 // len(bands))
