"""Exported files in their runtimes."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from benchmarking.case import Case
from benchmarking.drawn import byte_images
from benchmarking.our_model import build, load_config
from mmoneformer.export.description import describe
from mmoneformer.export.formats import format_of
from mmoneformer.export.network import ExportedNetwork, trace
from mmoneformer.tasks import TASKS
from mmoneformer_deploy.runtimes import Network, open_network

CALIBRATION = 8  # images by which the ranges of int8 are chosen

Logits = Sequence[np.ndarray]


def onnxruntime(case: Case) -> Callable[[], Logits]:
    """One pass of a batch through a file of ONNX: logits of all tasks."""
    return _forward('.onnx', case)


def onnxruntime_int8(case: Case) -> Callable[[], Logits]:
    """The same in int8."""
    images = [image.numpy()[None].astype(np.float32) for image in byte_images(CALIBRATION, case.size)]
    return _forward('.onnx', case, int8=images)


def openvino(case: Case) -> Callable[[], Logits]:
    """One pass of a batch through a file of OpenVINO."""
    return _forward('.xml', case)


def torch_forward(case: Case) -> Callable[[], tuple[torch.Tensor, torch.Tensor]]:
    """What is exported, in torch: normalization is part of it."""
    model = build(case).eval().requires_grad_(False)
    images = torch.from_numpy(_images(case))
    preprocessor = model.data_preprocessor

    def run() -> Any:
        return model((images - preprocessor.mean) / preprocessor.std, mode='tensor', tasks=case.tasks)

    return torch.inference_mode()(run)


def _forward(suffix: str, case: Case, **options: Any) -> Callable[[], Logits]:
    return partial(_export(suffix, case, options), _images(case), _positions(case))


def _export(suffix: str, case: Case, options: dict[str, Any]) -> Network:
    """Export the model of a case, which takes minutes, and open the file."""
    model = build(case).eval()
    model.cfg = load_config(case)
    with TemporaryDirectory() as folder:
        path = Path(folder) / f'model{suffix}'
        precision = 'int8' if options else 'float32'
        format_of(path).write(trace(ExportedNetwork(model)), path, describe(model, precision), **options)
        return open_network(path)  # read whole


def _images(case: Case) -> np.ndarray:
    return np.stack([image.numpy() for image in byte_images(case.batch, case.size)]).astype(np.float32)


def _positions(case: Case) -> np.ndarray:
    return np.array([list(TASKS).index(task) for task in case.tasks])
