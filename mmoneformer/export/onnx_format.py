"""Exported files in the ONNX format, for onnxruntime and others."""

import logging
import warnings
from ast import literal_eval
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mmoneformer.export.onnx_operators import translations
from mmoneformer.export.precision import quantize, store_in_half
from mmoneformer.packages import load_package
from mmoneformer_deploy.description import KEY, Description
from mmoneformer_deploy.runtimes import INPUTS, OUTPUTS

if TYPE_CHECKING:
    from torch.export import ExportedProgram

SCOPES = 'pkg.torch.onnx.name_scopes'  # where torch's converter notes the modules around a node
MAX_BYTES = 2**31  # of a protocol buffer


def check_installed() -> None:
    """Check that the packages are installed with which torch writes ONNX files.

    Raises:
        ImportError: If one is not.
    """
    for package in ('onnx', 'onnxscript'):
        load_package(package)


def write_onnx(
    program: 'ExportedProgram',
    path: Path,
    description: Description,
    *,
    opset: int = 18,
    half: bool = False,
    int8: Sequence[np.ndarray] | None = None,
) -> None:
    """Write a graph as an ONNX file.

    Args:
        program: The graph, with the inputs and outputs of ``ExportedNetwork``.
        path: The file.
        description: Its description.
        opset: Version of ONNX's operators.
        half: Whether weights are stored in half precision; they are converted when the file is loaded.
        int8: Inputs [1, 3, H, W], by which the ranges of int8 are chosen; None for float32.

    Raises:
        ValueError: If the weights do not fit into one file.
    """
    size = sum(tensor.nbytes for tensor in program.state_dict.values())
    if size >= MAX_BYTES:
        raise ValueError(f'the weights have {size / 2**30:.1f} GiB, and an ONNX file at most 2: use the format torch')
    with _quiet():
        converted: Any = torch.onnx.export(
            program,
            opset_version=opset,
            input_names=INPUTS,
            output_names=OUTPUTS,
            custom_translation_table=translations(),
            dynamo=True,
            verbose=False,
        )
        for node in converted.model.graph.all_nodes():
            node.name = f'{_module_of(node)}/{node.name}'
            node.metadata_props.clear()  # lines of code, and where they are on this machine
        converted.model.metadata_props[KEY] = description.to_json()
        converted.save(path, external_data=False)
        if half:
            store_in_half(path)
        if int8 is not None:
            quantize(path, int8)


def _module_of(node: Any) -> str:
    """Name of the module of the network that a node is part of; empty for none."""
    _, *scopes = literal_eval(node.metadata_props.get(SCOPES, "['']"))
    return scopes[-2] if len(scopes) > 1 else ''


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what the converters tell their developers; onnxruntime does so by the root logger."""
    loggers = [logging.getLogger(name) for name in (None, 'torch.onnx')]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', FutureWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
