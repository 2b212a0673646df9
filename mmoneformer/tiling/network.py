"""Predicts tiles with a model and the test pipeline of its config."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from mmcv.transforms import Compose

from mmoneformer.datasets.transforms.load_image import loaded_image
from mmoneformer.models import OneFormer
from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.masks.points import MaskPoints
from mmoneformer.models.task_results import ImageLogits, post_process
from mmoneformer.results.as_dict import as_dict
from mmoneformer.tasks import check_tasks
from mmoneformer.tiling.tile import Scores
from mmoneformer_deploy.result_dicts import ResultDict

POINTS = 2**14  # pixels whose class scores are computed together


class ModelOfTiles:
    """Predicts images of one size.

    Args:
        model: The model.
        pipeline: The test pipeline of its config, without the transform that loads the image.
        precision: Makes the context in which the model runs, such as torch's autocast.
    """

    def __init__(
        self,
        model: OneFormer,
        pipeline: Compose,
        precision: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._model = model
        self._pipeline = pipeline
        self._precision = precision

    def __call__(
        self, images: Sequence[np.ndarray], tasks: Sequence[str]
    ) -> list[dict[str, tuple[ResultDict, Scores]]]:
        """Predict images, BGR, uint8 [H, W, 3]; the tasks share one pass through the backbone."""
        model = self._model
        packed = [self._pipeline(loaded_image(image)) for image in images]
        batch = model.data_preprocessor({key: [image[key] for image in packed] for key in packed[0]}, False)
        inputs, samples = batch['inputs'], batch['data_samples']
        tokens = {task: model.test_cfg.tokens.get(task, task) for task in tasks}
        found: list[dict[str, Any]] = [{} for _ in images]
        with torch.no_grad(), self._precision():
            logits = model(inputs, mode='tensor', tasks=check_tasks(tokens.values()))
            for task, token in tokens.items():
                for index, (sample, classes, masks) in enumerate(zip(samples, *logits[token], strict=True)):
                    of_image = ImageLogits(classes, masks, MaskGeometry.of(sample, inputs))
                    post_process(task, sample, of_image, model.is_thing, model.test_cfg)
                    found[index][task] = _scores_of(of_image)
        results = (as_dict(sample.cpu(), model.dataset_meta, tasks) for sample in samples)
        return [
            {task: (result[task], scores[task]) for task in tasks}
            for result, scores in zip(results, found, strict=True)
        ]


def _scores_of(logits: ImageLogits) -> Scores:
    """What computes the semantic scores of pixels."""
    probabilities = logits.class_logits.float().softmax(-1)[:, :-1]
    masks, device = MaskPoints(logits.mask_logits, logits.geometry), logits.mask_logits.device

    def scores(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        places = torch.from_numpy(np.stack([rows, columns])).to(device)
        parts = [masks.read(*part).sigmoid() @ probabilities for part in places.split(POINTS, dim=1)]
        return torch.cat(parts).T.cpu().numpy()

    return scores
