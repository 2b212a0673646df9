"""Predictions for files, folders and arrays."""

import os
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.transforms import Compose
from mmdet.structures import DetDataSample
from mmengine.config import Config
from rich.progress import track

from mmoneformer.apis.image_sources import Sources, list_sources, load_source
from mmoneformer.apis.init_model import init_model
from mmoneformer.apis.plain_results import Plain, to_plain
from mmoneformer.apis.result_export import ResultFolder
from mmoneformer.checkpoints.registered_parts import registered_parts_only
from mmoneformer.registry import TRANSFORMS
from mmoneformer.tasks import TASKS, check_tasks
from mmoneformer.visualization import draw_sheet


class OneFormerInferencer:
    """Predicts images with the test pipeline of the model's config.

    Args:
        model: File of the config, or config; None for the config that the weights carry.
        weights: File of the weights.
        device: Where the model computes.

    Raises:
        ValueError: As ``init_model``, or if the config has no ``test_pipeline`` that begins by loading a file.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Config | None = None,
        weights: str | os.PathLike[str] | None = None,
        device: str | torch.device = 'cpu',
    ) -> None:
        self.model = init_model(model, weights, device)
        steps = self.model.cfg.get('test_pipeline', [])
        if not steps or steps[0].get('type') != 'LoadImageFromFile':
            raise ValueError(
                f'the config needs a test_pipeline that begins with LoadImageFromFile, it has {steps[:1]}'
            )
        with registered_parts_only() if model is None else nullcontext():
            self.loader, self.pipeline = TRANSFORMS.build(steps[0]), Compose(steps[1:])

    def __call__(
        self,
        images: Sources,
        *,
        tasks: Sequence[str] = tuple(TASKS),
        batch_size: int = 1,
        out_dir: str | os.PathLike[str] | None = None,
        return_datasamples: bool = False,
    ) -> dict[str, list[Any]]:
        """Predict images; all tasks from one pass of each through the backbone.

        Args:
            images: A file, a folder (its pictures, by name), an array (BGR, uint8 [H, W, 3]), or a list of these.
            tasks: Which results to give.
            batch_size: How many images pass at once.
            out_dir: Folder to write pictures and results to, as ``ResultFolder.write`` says; None for nowhere.
            return_datasamples: Give data samples in place of dicts.

        Returns:
            ``predictions``, one for each image: dicts of ``to_plain``, or data samples on the CPU.

        Raises:
            FileNotFoundError: If a path does not exist.
            ValueError: If an image cannot be read or a task is unknown.
        """
        tasks = check_tasks(tasks)
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, got {batch_size}')
        sources = list_sources(images)
        folder = None if out_dir is None else ResultFolder(out_dir, self.model.dataset_meta)
        self.model.test_cfg = replace(self.model.test_cfg, tasks=tasks)
        predictions: list[Plain | DetDataSample] = []
        for source, image, sample in self._predict(sources, batch_size):
            plain = {} if return_datasamples and folder is None else to_plain(sample, self.model.dataset_meta, tasks)
            if folder is not None:
                picture = draw_sheet(image[..., ::-1].copy(), sample, self.model.dataset_meta, tasks)
                stem = source.stem if isinstance(source, Path) else f'{len(predictions):06d}'
                folder.write(stem, plain, picture)
            predictions.append(sample if return_datasamples else plain)
        return {'predictions': predictions}

    def _predict(
        self, sources: Sequence[Path | np.ndarray], batch_size: int
    ) -> Iterator[tuple[Path | np.ndarray, np.ndarray, DetDataSample]]:
        """Yield each source, its image (BGR, uint8 [H, W, 3]) and its data sample."""
        starts = range(0, len(sources), batch_size)
        for start in track(starts, description='Predicting', disable=len(starts) < 2):
            batch = sources[start : start + batch_size]
            loaded = [load_source(source, self.loader) for source in batch]
            images = [results['img'] for results in loaded]
            packed = [self.pipeline(results) for results in loaded]
            with torch.no_grad():
                samples = self.model.test_step({key: [sample[key] for sample in packed] for key in packed[0]})
            for source, image, sample in zip(batch, images, samples, strict=True):
                yield source, image, sample.cpu()
