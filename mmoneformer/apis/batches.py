"""Predicts batches of images that are ready for the model."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import torch

from mmoneformer.apis.device import autocast
from mmoneformer.apis.prediction import Prediction
from mmoneformer.apis.reader import Loaded
from mmoneformer.models import OneFormer
from mmoneformer.tasks import check_tasks
from mmoneformer_deploy.failures import Failure, skipping


class BatchPredictor:
    """Predicts batches.

    Args:
        model: The model.
        precision: As of ``OneFormerInferencer``.
        device: Of the model.
    """

    def __init__(self, model: OneFormer, precision: str, device: torch.device) -> None:
        self._model = model
        self._precision = precision
        self._device = device

    def predict_all(
        self,
        loaded: Iterator[Loaded],
        tasks: Sequence[str],
        failures: list[Failure] | None,
        *,
        batch_size: int,
        with_queries: bool = False,
    ) -> Iterator[Prediction]:
        """Predict images in batches; arguments as of ``predict``, and those below.

        Args:
            loaded: The images.
            tasks: Names of the tasks.
            failures: As of ``OneFormerInferencer.stream``.
            batch_size: Number of images per batch.
            with_queries: As in ``predict``.

        Yields:
            The predictions, in the order of the images.
        """
        batches: Iterable[list[Loaded]] = iter(lambda: list(islice(loaded, batch_size)), [])
        for batch in batches:
            yield from self.predict(batch, tasks, failures, with_queries=with_queries)

    def predict(
        self,
        batch: Sequence[Loaded],
        tasks: Sequence[str],
        failures: list[Failure] | None,
        *,
        with_queries: bool = False,
    ) -> list[Prediction]:
        """Predict a batch; if it fails and failures are skipped, predict its images one by one.

        Args:
            batch: Predictions without results, each with the packed input of the model.
            tasks: Names of the tasks.
            failures: As of ``OneFormerInferencer.stream``.
            with_queries: Whether the results have what tracking needs of the queries.
        """
        if len(batch) > 1:
            try:
                return self.predict_at_once(batch, tasks, with_queries=with_queries)
            except Exception:
                if failures is None:
                    raise
        predictions = []
        for loaded in batch:
            with skipping(failures, loaded[0].number, loaded[0].source):
                predictions += self.predict_at_once([loaded], tasks, with_queries=with_queries)
        return predictions

    def predict_at_once(
        self, batch: Sequence[Loaded], tasks: Sequence[str], *, with_queries: bool = False
    ) -> list[Prediction]:
        """Predict a batch; what fails is raised. Arguments as of ``predict``."""
        inputs = {key: [packed[key] for _, packed in batch] for key in batch[0][1]}
        with torch.no_grad(), autocast(self._precision, self._device):
            batched = self._model.data_preprocessor(inputs)
            samples = self._model(**batched, mode='predict', tasks=check_tasks(tasks), with_queries=with_queries)
        return [
            prediction._replace(sample=sample.cpu()) for (prediction, _), sample in zip(batch, samples, strict=True)
        ]
