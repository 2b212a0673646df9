"""The prediction of an image: what passes from the model to those who write, draw or track the results."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from mmdet.structures import DetDataSample

from mmoneformer.metainfo import Metainfo
from mmoneformer.results.as_dict import as_dict
from mmoneformer_deploy.image_sources import Source
from mmoneformer_deploy.result_dicts import ResultDict
from mmoneformer_deploy.saving import Output


class Prediction(NamedTuple):
    """The results of an image.

    Attributes:
        number: Index of the image among the sources, from 0.
        source: The source: a path, a URL or an array.
        image: The image, BGR, uint8 [H, W, 3]; that of a large one is reduced.
        sample: The results as a data sample, on the CPU; None if they are given as dicts alone.
        results: The results as dicts, by task; None if they are given as a data sample alone.
        size: Height and width of the results; None for those of the image.
    """

    number: int
    source: Source
    image: np.ndarray
    sample: DetDataSample | None
    results: ResultDict | None = None
    size: tuple[int, int] | None = None

    def as_dicts(self, metainfo: Metainfo, tasks: Sequence[str]) -> ResultDict:
        """The results as dicts, by task; see ``as_dict``."""
        if self.results is not None:
            return {task: self.results[task] for task in tasks}
        assert self.sample is not None, 'a prediction has results'
        return as_dict(self.sample, metainfo, tasks)

    def output(self, metainfo: Metainfo, tasks: Sequence[str]) -> Output:
        """What is written of it."""
        image = self.in_rgb()
        return Output(self.as_dicts(metainfo, tasks), image, self.size or (image.shape[0], image.shape[1]))

    def in_rgb(self) -> np.ndarray:
        """The image in RGB, uint8 [H, W, 3], as it is drawn."""
        return np.ascontiguousarray(self.image[..., ::-1])
