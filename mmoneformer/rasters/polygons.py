"""Outlines of segments as polygons, which go along the borders of pixels, in the coordinates of a raster."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmoneformer.packages import load_package
from mmoneformer_deploy.run_lengths import RunLengths, edges_of


def outlines_of_map(numbers: np.ndarray, transform: Any) -> dict[int, Any]:
    """The outline of the pixels of each number but 0, a ``shapely.MultiPolygon``.

    Args:
        numbers: uint8, or uint32 below 2 ** 31, [H, W].
        transform: From columns and rows to coordinates.
    """
    shapely, features = load_package('shapely'), load_package('rasterio.features')
    values = numbers.view(np.int32) if numbers.dtype == np.uint32 else numbers
    parts: dict[int, list[Any]] = defaultdict(list)
    for shape, number in features.shapes(values, mask=numbers > 0, transform=transform):
        parts[int(number)].append(shapely.geometry.shape(shape))
    return {number: shapely.MultiPolygon(parts[number]) for number in sorted(parts)}


def outline_of_mask(mask: RunLengths, box: Sequence[float], transform: Any) -> Any:
    """The outline of a mask, given as run lengths, of which only the pixels in its box are computed."""
    windows = load_package('rasterio.windows')
    left, top, right, bottom = (int(side) for side in box)
    places = np.arange(left, right)[:, None] * mask['size'][0] + np.arange(top, bottom)
    inside = np.searchsorted(edges_of(mask), places, side='right') % 2
    moved = windows.transform(windows.Window(left, top, right - left, bottom - top), transform)
    (outline,) = outlines_of_map(np.ascontiguousarray(inside.T, np.uint8), moved).values()
    return outline
