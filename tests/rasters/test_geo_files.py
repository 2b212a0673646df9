import json
import logging

import numpy as np
import pytest
import rasterio
from pyogrio.raw import read
from shapely import from_wkb

from mmoneformer.rasters.geo_files import GeoFiles
from mmoneformer.rasters.raster import Raster
from mmoneformer_deploy.result_dicts import panoptic_dict

from .conftest import CRS, TRANSFORM

CLASSES = {'classes': ('field', 'house'), 'thing_ids': (1,), 'palette': [(0, 255, 0), (255, 0, 0)]}


@pytest.fixture
def results():
    id_map = np.zeros((60, 90), np.uint32)
    id_map[:, 30:] = 1
    id_map[10:20, 40:60] = 2
    labels = np.where(id_map == 0, 255, id_map - 1).astype(np.uint8)
    return {'panoptic': panoptic_dict(id_map, [0, 1], [0.5, 0.75], CLASSES), 'semantic': {'label_map': labels}}


@pytest.fixture
def raster(raster_file):
    with Raster(raster_file, (4, 3, 2), (0, 3000)) as raster:
        yield raster


def test_maps_are_where_the_raster_is(tmp_path, raster, results):
    files = GeoFiles(tmp_path, CLASSES)
    written = files.write('scene', raster, results)
    endings = ('panoptic.tif', 'semantic.tif', 'panoptic.geojson', 'semantic.geojson')
    assert sorted(tmp_path.iterdir()) == sorted(written) == sorted(tmp_path / f'scene_{ending}' for ending in endings)
    for path, key, nodata in zip(written, ('id_map', 'label_map'), (0, 255), strict=False):
        with rasterio.open(path) as file:
            task = path.stem.partition('_')[2]
            np.testing.assert_array_equal(file.read(1), results[task][key], strict=True)
            assert (file.crs, file.transform, file.nodata) == (CRS, TRANSFORM, nodata)
    with rasterio.open(written[1]) as file:
        assert [file.colormap(1)[label][:3] for label in (0, 1)] == CLASSES['palette']


def test_geojson_has_longitude_and_latitude(tmp_path, raster, results):
    GeoFiles(tmp_path, CLASSES).write('scene', raster, results)
    content = json.loads((tmp_path / 'scene_panoptic.geojson').read_text())
    field, house = content['features']
    assert house['properties'] == {'id': 2, 'label': 1, 'class_name': 'house', 'score': 0.75}
    longitude, latitude = np.array(house['geometry']['coordinates'][0][0]).T
    assert 9 < longitude.min() < longitude.max() < 9.01, 'UTM 32 is around 9 degrees east'
    assert 49.6 < latitude.min() < latitude.max() < 49.7
    assert len(field['geometry']['coordinates'][0]) == 2, 'an outline with a hole'


def test_geopackage_has_the_system_of_the_raster(tmp_path, raster, results):
    (path,) = GeoFiles(tmp_path, CLASSES, 'gpkg').write('scene', raster, results)[2:]
    meta, _, geometry, columns = read(path, layer='panoptic')
    assert (path.name, meta['crs']) == ('scene.gpkg', CRS)
    assert dict(zip(meta['fields'], (column[1] for column in columns), strict=True)) == {
        'id': 2,
        'label': 1,
        'class_name': 'house',
        'score': 0.75,
    }
    assert from_wkb(geometry[1]).area == 200 * 100
    assert read(path, layer='semantic')[3][-1].tolist() == pytest.approx([np.nan] * 2, nan_ok=True)


@pytest.mark.parametrize('polygons', ['geojson', 'gpkg'])
def test_replaces_results_and_keeps_other_files(tmp_path, raster, results, polygons, caplog):
    (tmp_path / 'other_panoptic.tif').write_text('of the user')
    for _ in range(2):
        written = GeoFiles(tmp_path, CLASSES, polygons).write('scene', raster, results)
    assert {path.stem.partition('_')[0] for path in written} == {'scene'}
    with caplog.at_level(logging.WARNING):
        written = GeoFiles(tmp_path, CLASSES, polygons).write('other', raster, results)
    assert all(path.stem.startswith('other_2') for path in written)
    assert (tmp_path / 'other_panoptic.tif').read_text() == 'of the user'
    assert 'was not written by mmoneformer and is kept' in caplog.text


def test_refuses_unknown_formats(tmp_path):
    with pytest.raises(ValueError, match=r"unknown format of polygons 'shp': choose one of \['geojson', 'gpkg'\]"):
        GeoFiles(tmp_path, CLASSES, 'shp')
