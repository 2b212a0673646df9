from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from mmoneformer.apis import tiled_images as module
from mmoneformer.apis.reader import Reader
from mmoneformer.apis.tiled_images import TiledImages, tiled_images
from mmoneformer.tiling.network import ModelOfTiles
from mmoneformer.tiling.tiling import Tiling

IMAGE = np.random.default_rng(0).integers(0, 256, (90, 130, 3), np.uint8)


@pytest.fixture
def tiled(trained, config):
    """Predicts images, given the tiles."""

    def predict(*sources, failures=None, out_dir=None, tasks=('panoptic', 'instance', 'semantic'), **tiling):
        reader = Reader(config.test_pipeline)
        images = TiledImages(trained[0], reader, 'float32', tiling=Tiling(**tiling), out_dir=out_dir)
        return list(images.predict(enumerate(sources), tasks, failures, batch_size=2))

    return predict


def write_raster(path, **settings):
    import rasterio  # here: tests of a GPU run without it

    settings = dict(driver='GTiff', height=90, width=130, count=3, dtype='uint16', nodata=0) | settings
    with rasterio.open(path, 'w', crs='EPSG:32632', transform=rasterio.Affine(2, 0, 7, 0, -2, 9), **settings) as file:
        bands = IMAGE[..., ::-1].transpose(2, 0, 1).astype(settings['dtype'])
        bands[:, :, :40] = 0
        file.write(bands.repeat(2, axis=0)[: settings['count']] if settings['count'] > 3 else bands)
    return Path(path)


def test_results_have_the_size_of_the_image(tiled, monkeypatch):
    monkeypatch.setattr(module, 'DRAWN_SIDE', 65)
    (found,) = tiled(IMAGE, tile=48, overlap=16)
    assert found.sample is None
    assert (found.size, found.image.shape) == ((90, 130), (45, 65, 3)), 'reduced for the drawing'
    panoptic, semantic = (found.results[task] for task in ('panoptic', 'semantic'))
    assert panoptic['id_map'].shape == semantic['label_map'].shape == (90, 130)
    areas = np.bincount(panoptic['id_map'].ravel())[1:]
    assert [segment['area'] for segment in panoptic['segments']] == areas.tolist()
    assert {mask['size'][0] for mask in found.results['instance']['masks']} == {90}


def test_tiles_are_counted(trained, config, monkeypatch):
    counts = []

    @contextmanager
    def counted(total, shown):
        assert (total, shown) == (6, True)
        yield counts.append

    monkeypatch.setattr(module, 'counted_tiles', counted)
    images = TiledImages(
        trained[0], Reader(config.test_pipeline), 'float32', tiling=Tiling(tile=48, overlap=0), show_progress=True
    )
    list(images.predict([(0, IMAGE)], ['semantic'], None, batch_size=4))
    assert counts == [4, 2]


def test_a_pass_over_the_whole_image(tiled, monkeypatch):
    """It is reduced to what the test pipeline takes, and comes before the tiles."""
    predict, seen = ModelOfTiles.__call__, []

    def remember(self, images, tasks):
        seen.append(images[0].shape[:2])
        return predict(self, images, tasks)

    monkeypatch.setattr(ModelOfTiles, '__call__', remember)
    tiled(IMAGE, tile=80, context=True, tasks=['semantic'])
    assert seen == [(66, 96), (80, 80), (80, 80)]


def test_skips_what_fails(tiled, tmp_path):
    (tmp_path / 'x.png').write_text('no image')
    failures = []
    (found,) = tiled(tmp_path / 'x.png', IMAGE, tile=48, failures=failures)
    assert (found.number, failures[0].number) == (1, 0)


def test_rasters(tiled, tmp_path):
    """Read by windows, and their results written where they are."""
    import rasterio

    path = write_raster(tmp_path / 'scene.tif')
    (found,) = tiled(path, tile=48, value_range=(0, 255), out_dir=tmp_path / 'out')
    assert (found.results['semantic']['label_map'][:, :40] == 255).all()
    assert (found.results['panoptic']['id_map'][:, :40] == 0).all()
    with rasterio.open(tmp_path / 'out/scene_panoptic.tif') as file:
        np.testing.assert_array_equal(file.read(1), found.results['panoptic']['id_map'])
        assert file.crs == 'EPSG:32632'
    assert {path.name for path in (tmp_path / 'out').iterdir()} == {
        'scene_panoptic.tif',
        'scene_semantic.tif',
        'scene_panoptic.geojson',
        'scene_instance.geojson',
        'scene_semantic.geojson',
    }


def test_a_raster_is_what_its_pixels_are(tiled, tmp_path):
    """The same results as those of an array."""
    pixels = IMAGE.copy()
    pixels[:, :40] = 0
    (raster,) = tiled(write_raster(tmp_path / 'x.tif', dtype='uint8', nodata=None), tile=48)
    (array,) = tiled(pixels, tile=48)
    np.testing.assert_equal(raster.results, array.results)


def test_more_bands_need_a_choice(tiled, tmp_path):
    path = write_raster(tmp_path / 'x.tif', count=6)
    with pytest.raises(ValueError, match=r'x\.tif has 6 bands of uint16: choose three'):
        tiled(path, tile=48)
    assert len(tiled(path, tile=48, bands=(1, 3, 5), value_range=(0, 255), tasks=['semantic'])) == 1


def test_other_images_have_no_bands(tiled):
    with pytest.raises(ValueError, match='array 0 is no TIFF file, and bands'):
        tiled(IMAGE, tile=48, bands=(1, 2, 3))


@pytest.mark.parametrize(
    ('error', 'arguments', 'message'),
    [
        (
            TypeError,
            (48, {'overlaps': 3}),
            r"unexpected arguments \['overlaps'\]: those of tiles are \['tile', 'overlap'",
        ),
        (ValueError, (None, {'overlap': 3}), 'overlap: this is for tiles, so give tile'),
    ],
)
def test_options_that_do_not_fit(error, arguments, message):
    with pytest.raises(error, match=message):
        tiled_images(None, None, 'float32', *arguments)


@pytest.mark.parametrize('name', ['track', 'return_datasamples'])
def test_what_needs_whole_images(name):
    with pytest.raises(ValueError, match=f'{name} needs whole images: leave out tile=48'):
        tiled_images(None, None, 'float32', 48, {}, **{name: True})
