"""Prediction of large images tile by tile."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from mmcv.transforms import BaseTransform, Compose

from mmoneformer.apis.device import autocast
from mmoneformer.apis.image_sources import load_source
from mmoneformer.apis.prediction import Prediction
from mmoneformer.models import OneFormer
from mmoneformer.rasters.geo_files import GeoFiles
from mmoneformer.rasters.raster import Raster
from mmoneformer.tiling.merging import predict_tiles
from mmoneformer.tiling.network import ModelOfTiles
from mmoneformer.tiling.picture import ArrayPicture, Picture
from mmoneformer.tiling.tiling import InputSize, Tiling
from mmoneformer_deploy.failures import Failure, skipping
from mmoneformer_deploy.image_sources import Source, name_of, stem_of

RASTERS = ('.tif', '.tiff')  # files that rasterio opens
DRAWN_SIDE = 2048  # longer side to which images are reduced for their drawings


class TiledImages:
    """Predicts images tile by tile. Of a TIFF file, windows are read by rasterio; other images are loaded as a whole.

    Args:
        model: The model.
        loader: The first transform of the test pipeline.
        pipeline: The others.
        precision: As of ``OneFormerInferencer``.
        tiling: How images are cut, and rasters are read.
        geo_files: Writes the results of rasters in their coordinates; None to write none.
    """

    def __init__(
        self,
        model: OneFormer,
        loader: BaseTransform,
        pipeline: Compose,
        precision: str,
        *,
        tiling: Tiling,
        geo_files: GeoFiles | None = None,
    ) -> None:
        self._metainfo = model.dataset_meta
        self._loader = loader
        self._input_size = InputSize.of(pipeline)
        self._tiling = tiling
        self._geo_files = geo_files
        device = next(model.parameters()).device
        self._network = ModelOfTiles(model, pipeline, partial(autocast, precision, device))

    def predict(
        self,
        sources: Iterable[tuple[int, Source]],
        *,
        tasks: Sequence[str],
        batch_size: int,
        failures: list[Failure] | None,
    ) -> Iterator[Prediction]:
        """Predict images lazily, one after the other.

        Args:
            sources: The images, with their numbers.
            tasks: Names of the tasks.
            batch_size: Number of tiles that are predicted at a time.
            failures: As of ``OneFormerInferencer.stream``.

        Yields:
            Predictions without data samples, whose images are reduced to the size at which they are drawn.
        """
        for number, source in sources:
            prediction = None
            with skipping(failures, number, source):
                prediction = self._predict(number, source, tasks, batch_size)
            if prediction is not None:
                yield prediction

    def _predict(self, number: int, source: Source, tasks: Sequence[str], batch_size: int) -> Prediction:
        with self._open(number, source) as picture:
            results = predict_tiles(
                picture,
                self._tiling.grid(picture.size, self._input_size),
                self._network,
                tasks=tasks,
                metainfo=self._metainfo,
                batch_size=batch_size,
                context_side=self._input_size.longest if self._tiling.context else None,
            )
            if self._geo_files is not None and isinstance(picture, Raster):
                self._geo_files.write(stem_of(source, number), picture, results)
            return Prediction(number, source, picture.reduced(DRAWN_SIDE), None, results)

    def _open(self, number: int, source: Source) -> AbstractContextManager[Picture]:
        if isinstance(source, Path) and source.suffix.lower() in RASTERS:
            return Raster(source, self._tiling.bands, self._tiling.value_range)
        if self._tiling.bands is not None or self._tiling.value_range is not None:
            raise ValueError(
                f'{name_of(source, number)} is no TIFF file, and bands and ranges of values are chosen for these: '
                'leave them out'
            )
        return nullcontext(ArrayPicture(load_source(source, self._loader)['img']))
