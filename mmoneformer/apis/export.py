"""Exports a model as one file that needs neither torch nor OpenMMLab, and verifies such files."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from mmengine.config import Config

from mmoneformer.apis.init_model import init_model
from mmoneformer.apis.train_and_test import evaluate, load_config
from mmoneformer.export.description import describe, hash_weights
from mmoneformer.export.exported_model import ExportedOneFormer
from mmoneformer.export.formats import Format, format_of
from mmoneformer.export.network import SAMPLING, ExportedNetwork, trace
from mmoneformer.export.verification import TOLERANCES, compare
from mmoneformer.models import OneFormer
from mmoneformer_deploy.atomic_files import commit, partial_path
from mmoneformer_deploy.description import Description
from mmoneformer_deploy.image_sources import SUFFIXES
from mmoneformer_deploy.read_image import read_image
from mmoneformer_deploy.runtimes import Network
from mmoneformer_deploy.session import prepare_image

MAX_IMAGES = 64  # for the ranges of int8

AnyPath = str | os.PathLike[str]

logger = logging.getLogger(__name__)


def export(
    checkpoint: AnyPath,
    target: AnyPath,
    *,
    config: AnyPath | Config | None = None,
    format: str | None = None,
    opset: int | None = None,
    sampling: str = 'grid',
    half: bool = False,
    int8: AnyPath | None = None,
    verify: bool = True,
) -> Path:
    """Export a model as a file that takes images of any size and number, and any tasks: see ``docs/deploy.md``.

    Args:
        checkpoint: Weights, as in ``init_model``.
        target: The file.
        config: Config of the model; None for the config that is stored in the checkpoint.
        format: 'onnx', 'torch', 'aot' or 'openvino'; None for that of the target's suffix, 'torch' for .pt2.
        opset: Version of ONNX's operators; None for 18.
        sampling: How deformable attention samples its points: 'grid' by the operator GridSample, 'gather' by indexing.
        half: Whether the weights are stored in half precision.
        int8: Folder of images by which the ranges of int8 are chosen; None for no int8.
        verify: Whether to compare the results of the file with those of the model.

    Returns:
        Path of the file.

    Raises:
        FileExistsError: If the target exists and is not an exported model.
        ImportError, RuntimeError: If the format needs a package, or a C++ compiler, that is not installed.
        ValueError: As ``init_model``; if an option is unknown or has no effect; if the config asks for what a file
            cannot do; if the results of the file are not those of the model: then it is kept under another name.
    """
    target, kind = Path(target), format_of(target, format)
    options = kind.check_options({'opset': opset, 'half': half or None, 'int8': int8})
    kind.check_installed(runs=verify or int8 is not None)
    _check_replaceable(target, kind)
    precision = _check_choices(sampling, half=half, int8=int8)
    model = init_model(config, checkpoint, 'cpu')
    description = describe(model, precision)
    if int8:
        options['int8'] = _calibration_images(int8, description)
    with _new_files(target, kind) as part:
        kind.write(trace(ExportedNetwork(model), sampling=sampling), part, description, **options)
        if not verify or _answers_as(kind.open(part), model):
            return _commit(part, target, kind)
        kept = _commit(part, target.with_stem(f'{target.stem}.unverified'), kind)
    raise ValueError(f'the results of the exported file are not those of the model: it is kept as {kept}')


def _check_choices(sampling: str, *, half: bool, int8: AnyPath | None) -> str:
    """Return the precision of the file.

    Raises:
        ValueError: If the sampling is unknown, or two precisions are asked for.
    """
    if sampling not in SAMPLING:
        raise ValueError(f'unknown sampling {sampling!r}: choose one of {list(SAMPLING)}')
    if half and int8:
        raise ValueError(f'half and int8={os.fspath(int8)!r} exclude each other: choose one')
    return 'int8' if int8 else 'float16' if half else 'float32'


def verify_export(
    path: AnyPath, checkpoint: AnyPath, *, config: AnyPath | Config | None = None, format: str | None = None
) -> None:
    """Check that the results of an exported file are those of the model.

    Args:
        path: The file.
        checkpoint: The weights it was exported from, as in ``init_model``.
        config: Config of the model; None for the config that is stored in the checkpoint.
        format: As in ``export``; 'aot' runs the code in the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If the package that runs it is not installed.
        ValueError: As ``init_model``; if it is not an exported model, or one of other weights; if its results differ.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'no file {os.fspath(path)!r}')
    file = format_of(path, format).open(path)
    model = init_model(config, checkpoint, 'cpu')
    if file.description.weights_sha256 != hash_weights(model.state_dict()):
        raise ValueError(f'{path} was exported from other weights than those of {checkpoint}')
    if not _answers_as(file, model):
        raise ValueError(f'the results of {path} are not those of {checkpoint}')


def compare_metrics(
    path: AnyPath, checkpoint: AnyPath, *, config: AnyPath | None = None
) -> dict[str, tuple[float, float]]:
    """Measure a model and the file exported from it on the test split of its config.

    Args:
        path: The file.
        checkpoint: The weights it was exported from.
        config: Config of the model and the data; None for the config that is stored in the checkpoint.

    Returns:
        For each metric, its value for the model and for the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If the package that runs it is not installed.
        ValueError: As ``evaluate``; if the file is not an exported model.
    """
    cfg = load_config(config or checkpoint)
    before = evaluate(cfg, os.fspath(checkpoint))
    cfg.model.update(type=f'mmoneformer.{ExportedOneFormer.__name__}', exported=os.fspath(path))
    after = evaluate(cfg, os.fspath(checkpoint))
    return {name: (before[name], after[name]) for name in before.keys() & after.keys()}


def _answers_as(file: Network, model: OneFormer) -> bool:
    comparisons = []
    for comparison in compare(file, model):
        logger.info('%s', comparison)
        comparisons.append(comparison)
    return TOLERANCES[file.description.precision].accepts(comparisons)


def _calibration_images(folder: AnyPath, description: Description) -> list[np.ndarray]:
    """Inputs of the network, from the first images of a folder."""
    paths = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise ValueError(f'int8={os.fspath(folder)!r} has no images, by which the ranges of int8 are chosen')
    return [prepare_image(read_image(path), description)[0] for path in paths[:MAX_IMAGES]]


def _check_replaceable(target: Path, kind: Format) -> None:
    """Check that what is there, if anything, is an exported model.

    Raises:
        FileExistsError: If it is something else.
    """
    if not target.exists():
        return
    try:
        kind.open(target)
    except ValueError as error:
        raise FileExistsError(f'{target} exists and is not an exported model: choose another name') from error


@contextmanager
def _new_files(target: Path, kind: Format) -> Iterator[Path]:
    """Yield the path to write an exported model to; what is not committed is removed."""
    part = partial_path(target, unique=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield part
    finally:
        for file in kind.files(part):
            file.unlink(missing_ok=True)


def _commit(part: Path, target: Path, kind: Format) -> Path:
    for file, final in zip(reversed(kind.files(part)), reversed(kind.files(target)), strict=True):
        commit(file, final)
    return target
