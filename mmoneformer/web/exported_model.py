"""An exported file as a model of the page."""

import os
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from mmoneformer.apis.prediction import Prediction
from mmoneformer.metainfo import Metainfo, resolve_metainfo
from mmoneformer_deploy import Session
from mmoneformer_deploy.task_results import classes_of


class ExportedModel:
    """Predicts as ``OneFormerInferencer`` does, with an exported file.

    Args:
        path: The file.

    Attributes:
        metainfo: The classes.

    Raises:
        ImportError: If its runtime is not installed.
        ValueError: If it is not an exported model.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._session = Session(path)
        self.metainfo: Metainfo = resolve_metainfo(classes_of(self._session.description))

    def stream(self, images: Iterable[np.ndarray], *, tasks: Sequence[str]) -> Iterator[Prediction]:
        """Predict images, BGR, uint8 [H, W, 3], lazily."""
        for number, image in enumerate(images):
            yield Prediction(number, image, image, sample=None, results=self._session(image, tasks))
