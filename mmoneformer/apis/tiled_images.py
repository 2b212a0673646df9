"""Prediction of large images tile by tile."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from mmoneformer.apis.device import autocast
from mmoneformer.apis.image_sources import counted_tiles, load_source
from mmoneformer.apis.prediction import Prediction
from mmoneformer.apis.reader import Reader
from mmoneformer.models import OneFormer
from mmoneformer.rasters.geo_files import GeoFiles
from mmoneformer.rasters.raster import Raster
from mmoneformer.tiling.merging import TileNetwork, predict_tiles
from mmoneformer.tiling.network import ModelOfTiles
from mmoneformer.tiling.picture import ArrayPicture, Picture
from mmoneformer.tiling.tile import Scores
from mmoneformer.tiling.tiling import InputSize, Side, Tiling
from mmoneformer_deploy.failures import Failure, skipping
from mmoneformer_deploy.image_arrays import Channels
from mmoneformer_deploy.image_sources import Source, name_of, stem_of
from mmoneformer_deploy.result_dicts import ResultDict

RASTERS = ('.tif', '.tiff')  # files that rasterio opens
DRAWN_SIDE = 2048  # longer side to which images are reduced for their drawings


class TiledImages:
    """Predicts images tile by tile. Of a TIFF file, windows are read by rasterio; other images are loaded as a whole.

    Args:
        model: The model.
        reader: Has the test pipeline of its config.
        precision: As of ``OneFormerInferencer``.
        tiling: How images are cut, and rasters are read and written.
        out_dir: Folder to which results of rasters are written in their coordinates, see ``GeoFiles``; None for none.
        show_progress: Whether to show a bar of the tiles of each image.
    """

    def __init__(
        self,
        model: OneFormer,
        reader: Reader,
        precision: str,
        *,
        tiling: Tiling,
        out_dir: str | os.PathLike[str] | None = None,
        show_progress: bool = False,
    ) -> None:
        self._metainfo = model.dataset_meta
        self._loader = reader.loader
        self._input_size = InputSize.of(reader.pipeline)
        self._tiling = tiling
        self._out_dir = out_dir
        self._show_progress = show_progress
        device = next(model.parameters()).device
        self._network = ModelOfTiles(model, reader.pipeline, partial(autocast, precision, device))

    def predict(
        self,
        sources: Iterable[tuple[int, Source]],
        tasks: Sequence[str],
        failures: list[Failure] | None,
        *,
        batch_size: int = 1,
        channels: Channels = 'bgr',
    ) -> Iterator[Prediction]:
        """Predict images lazily, one after the other.

        Args:
            sources: The images, with their numbers.
            tasks: Names of the tasks.
            failures: As of ``OneFormerInferencer.stream``.
            batch_size: Number of tiles that are predicted at a time.
            channels: Order of the channels of an array.

        Yields:
            Predictions without data samples, whose images are reduced to the size at which they are drawn.
        """
        for number, source in sources:
            prediction = None
            with skipping(failures, number, source):
                prediction = self._predict(number, source, tasks, batch_size, channels)
            if prediction is not None:
                yield prediction

    def _predict(
        self, number: int, source: Source, tasks: Sequence[str], batch_size: int, channels: Channels
    ) -> Prediction:
        with self._open(number, source, channels) as picture:
            grid = self._tiling.grid(picture.size, self._input_size)
            with counted_tiles(len(grid), shown=self._show_progress) as count:
                results = predict_tiles(
                    picture,
                    grid,
                    _counting(self._network, count),
                    tasks=tasks,
                    metainfo=self._metainfo,
                    batch_size=batch_size,
                    context_side=self._input_size.longest if self._tiling.context else None,
                )
            if isinstance(picture, Raster) and self._geo_files is not None:
                self._geo_files.write(stem_of(source, number), picture, results)
            return Prediction(number, source, picture.reduced(DRAWN_SIDE), None, results, picture.size)

    @cached_property
    def _geo_files(self) -> GeoFiles | None:
        return None if self._out_dir is None else GeoFiles(self._out_dir, self._metainfo, self._tiling.polygons)

    def _open(self, number: int, source: Source, channels: Channels) -> AbstractContextManager[Picture]:
        if isinstance(source, Path) and source.suffix.lower() in RASTERS:
            return Raster(source, self._tiling.bands, self._tiling.value_range)
        if self._tiling.bands is not None or self._tiling.value_range is not None:
            raise ValueError(
                f'{name_of(source, number)} is no TIFF file, and bands and ranges of values are chosen for these: '
                'leave them out'
            )
        return nullcontext(ArrayPicture(load_source(source, self._loader, channels)['img']))


def _counting(network: TileNetwork, count: Callable[[int], None]) -> TileNetwork:
    """The same network, which tells how many tiles it has predicted."""

    def predict(images: Sequence[np.ndarray], tasks: Sequence[str]) -> list[dict[str, tuple[ResultDict, Scores]]]:
        found = network(images, tasks)
        count(len(images))
        return found

    return predict


def tiled_images(
    model: OneFormer,
    reader: Reader,
    precision: str,
    tile: Side | None,
    options: Mapping[str, Any],
    out_dir: str | os.PathLike[str] | None = None,
    *,
    track: bool = False,
    return_datasamples: bool = False,
    show_progress: bool = False,
) -> TiledImages | None:
    """Make what predicts images tile by tile, from the arguments of ``OneFormerInferencer``; without tiles, None.

    Raises:
        TypeError: If ``Tiling`` does not have an option.
        ValueError: If there are options without tiles, or tiles are combined with what needs whole images.
    """
    known = [field.name for field in fields(Tiling)]
    unknown = sorted(options.keys() - set(known))
    if unknown:
        raise TypeError(f'unexpected arguments {unknown}: those of tiles are {known}')
    if tile is None:
        if options:
            raise ValueError(f"{', '.join(options)}: this is for tiles, so give tile, too, for example tile='auto'")
        return None
    for name, is_given in (('track', track), ('return_datasamples', return_datasamples)):
        if is_given:
            raise ValueError(f'{name} needs whole images: leave out tile={tile!r}, or {name}')
    return TiledImages(
        model, reader, precision, tiling=Tiling(tile, **options), out_dir=out_dir, show_progress=show_progress
    )
