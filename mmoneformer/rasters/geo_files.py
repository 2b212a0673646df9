"""Results of rasters as files in their coordinates: maps as GeoTIFF, polygons as GeoJSON or GeoPackage."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmoneformer.metainfo import Metainfo, palette_of
from mmoneformer.packages import load_package
from mmoneformer.rasters.geo_results import GEO_RESULTS, Feature
from mmoneformer.rasters.raster import Raster
from mmoneformer_deploy.atomic_files import replacing
from mmoneformer_deploy.result_dicts import ResultDict
from mmoneformer_deploy.result_files import MARK, FreeNames

FeaturesOfTasks = Mapping[str, Sequence[Feature]]

BLOCK = 512  # side of the blocks of a GeoTIFF, which are read alone, in pixels


class GeoFiles:
    """Writes results of rasters to a folder.

    ``NAME_panoptic.tif`` has the ids of segments, 0 where there is none, and ``NAME_semantic.tif`` the class indices,
    255 for pixels that do not count; both have the reference system and the transform of the raster. The outlines of
    the segments of each task are in ``NAME_<task>.geojson``, in longitude and latitude if the raster has a reference
    system, or in ``NAME.gpkg``, in the reference system of the raster, with a layer for each task. They have ``id``
    (value of the pixels in the map), ``label`` (class index), ``class_name`` and ``score``.

    Args:
        folder: The folder, created if it does not exist. Results of an earlier run are replaced, other files are kept.
        metainfo: The classes.
        polygons: Format of the outlines: 'geojson' or 'gpkg'.

    Raises:
        ImportError: If pyogrio or shapely is not installed.
        ValueError: If the format is unknown.
    """

    def __init__(self, folder: str | os.PathLike[str], metainfo: Metainfo, polygons: str = 'geojson') -> None:
        if polygons not in WRITE_POLYGONS:
            raise ValueError(f'unknown format of polygons {polygons!r}: choose one of {list(WRITE_POLYGONS)}')
        for package in ('pyogrio', 'shapely'):
            load_package(package)
        self._folder = Path(folder)
        self._metainfo = metainfo
        self._polygons = polygons
        self._names = FreeNames(self._folder)

    def write(self, stem: str, raster: Raster, results: ResultDict) -> list[Path]:
        """Write the results of a raster.

        Args:
            stem: The NAME; a number is appended if it is that of another raster, or of a file that is kept.
            raster: The raster.
            results: Results by task.

        Returns:
            The files.
        """
        name = self._names.claim(stem, lambda name: [path.name for path in self._paths(name, results)])
        maps = []
        for task, result in results.items():
            kind = GEO_RESULTS[task]
            if kind.map is not None:
                maps.append(self._folder / f'{name}_{task}.tif')
                self._write_map(maps[-1], result[kind.map], kind.nodata, raster)
        features = {
            task: GEO_RESULTS[task].features(result, self._metainfo, raster.transform)
            for task, result in results.items()
        }
        outlines = WRITE_POLYGONS[self._polygons](self._folder / name, features, raster.crs)
        return [*maps, *outlines]

    def _write_map(self, path: Path, pixels: np.ndarray, nodata: int, raster: Raster) -> None:
        rasterio = load_package('rasterio')
        settings = dict(
            driver='GTiff',
            height=raster.size[0],
            width=raster.size[1],
            count=1,
            dtype=pixels.dtype,
            crs=raster.crs,
            transform=raster.transform,
            nodata=nodata,
            compress='deflate',
            tiled=True,
            blockxsize=BLOCK,
            blockysize=BLOCK,
            BIGTIFF='IF_SAFER',
        )
        with replacing(path) as part, rasterio.open(part, 'w', **settings) as file:
            file.update_tags(TIFFTAG_SOFTWARE=MARK)
            if pixels.dtype == np.uint8:
                file.write_colormap(1, dict(enumerate(palette_of(self._metainfo))))
            for top in range(0, raster.size[0], BLOCK):
                rows = pixels[top : top + BLOCK]
                file.write(rows, 1, window=((top, top + len(rows)), (0, raster.size[1])))

    def _paths(self, name: str, results: ResultDict) -> list[Path]:
        """The files that a raster of some name may have."""
        maps = [f'{name}_{task}.tif' for task in results if GEO_RESULTS[task].map is not None]
        outlines = [f'{name}_{task}.geojson' for task in results] if self._polygons == 'geojson' else [f'{name}.gpkg']
        return [self._folder / file for file in (*maps, *outlines)]


def write_geojson(stem: Path, features: FeaturesOfTasks, crs: Any) -> list[Path]:
    """Write the outlines of each task to ``STEM_<task>.geojson``, in longitude and latitude if there is a system."""
    written = []
    for task, of_task in features.items():
        path = stem.with_name(f'{stem.name}_{task}.geojson')
        with replacing(path) as part:
            options = {'DESCRIPTION': MARK, 'RFC7946': 'YES' if crs else 'NO'}
            _write_layer(part, f'{stem.name}_{task}', of_task, crs, 'GeoJSON', options)
        written.append(path)
    return written


def write_geopackage(stem: Path, features: FeaturesOfTasks, crs: Any) -> list[Path]:
    """Write the outlines of all tasks to ``STEM.gpkg``, a layer for each."""
    path = stem.with_name(f'{stem.name}.gpkg')
    with replacing(path) as part:
        part.unlink(missing_ok=True)  # layers would be added to what a killed process left
        for task, of_task in features.items():
            _write_layer(part, task, of_task, crs, 'GPKG', {'DESCRIPTION': MARK})
    return [path]


def _write_layer(
    path: Path, layer: str, features: Sequence[Feature], crs: Any, driver: str, options: Mapping[str, str]
) -> None:
    shapely, raw = load_package('shapely'), load_package('pyogrio.raw')
    fields = {
        'id': np.array([feature.id for feature in features], np.int64),
        'label': np.array([feature.label for feature in features], np.int32),
        'class_name': np.array([feature.class_name for feature in features], object),
        'score': np.array([feature.score for feature in features], np.float64),
    }
    raw.write(
        path,
        shapely.to_wkb([feature.outline for feature in features]),
        list(fields.values()),
        list(fields),
        layer=layer,
        driver=driver,
        geometry_type='MultiPolygon',
        crs=crs.to_wkt() if crs else None,
        layer_options=options,
    )


WRITE_POLYGONS: dict[str, Callable[[Path, FeaturesOfTasks, Any], list[Path]]] = {
    'geojson': write_geojson,
    'gpkg': write_geopackage,
}
