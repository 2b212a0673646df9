"""Reads images and prepares them for the model, as the test pipeline of its config does."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from mmcv.transforms import Compose
from mmcv.transforms import LoadImageFromFile as LoadImageOfMmcv

from mmoneformer.apis.image_sources import load_source
from mmoneformer.apis.prediction import Prediction
from mmoneformer.datasets.transforms import LoadImageFromFile
from mmoneformer.registry import TRANSFORMS
from mmoneformer_deploy.failures import Failure, skipping
from mmoneformer_deploy.image_arrays import Channels
from mmoneformer_deploy.image_sources import Source
from mmoneformer_deploy.in_order import read_ahead

Loaded = tuple[Prediction, dict[str, Any]]  # an image without results yet, and the packed input of the model


class Reader:
    """Reads images with a test pipeline.

    Args:
        steps: Configs of its transforms, the first of which loads a file.

    Raises:
        ValueError: If the first is not ``LoadImageFromFile``.
    """

    def __init__(self, steps: Sequence[dict[str, Any]]) -> None:
        self.loader, self.pipeline = TRANSFORMS.build(steps[0]) if steps else None, Compose(steps[1:])
        if not isinstance(self.loader, LoadImageFromFile | LoadImageOfMmcv):
            raise ValueError(f'the config needs a test_pipeline that starts with LoadImageFromFile, got {steps[:1]}')

    def read(
        self,
        numbered: Iterable[tuple[int, Source]],
        failures: list[Failure] | None,
        *,
        threads: int = 0,
        channels: Channels = 'bgr',
    ) -> Iterator[Loaded]:
        """Yield predictions without results yet, each with the packed input of the model.

        Args:
            numbered: Images, each with its index.
            failures: List to which images that cannot be read are added, which are then skipped; None to stop at the
                first.
            threads: Number of threads that read ahead; with 0, an image is read when it is asked for.
            channels: Order of the channels of an array.
        """
        for (number, source), reading in read_ahead(numbered, partial(self.read_one, channels=channels), threads):
            loaded = None
            with skipping(failures, number, source):
                loaded = reading.result()
            if loaded is not None:
                yield loaded

    def read_one(self, numbered: tuple[int, Source], channels: Channels = 'bgr') -> Loaded:
        """Read an image, given with its index; what fails is raised."""
        number, source = numbered
        results = load_source(source, self.loader, channels)
        image, packed = results['img'], self.pipeline(results)
        return Prediction(number, source, image, packed['data_samples']), packed
