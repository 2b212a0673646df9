"""Exported files in the ONNX format, for onnxruntime and others."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from mmoneformer.export.packages import load_package
from mmoneformer_deploy.description import KEY, Description
from mmoneformer_deploy.runtimes import INPUTS, OUTPUTS

if TYPE_CHECKING:
    from torch.export import ExportedProgram

MAX_BYTES = 2**31  # of a protocol buffer


def write_onnx(program: 'ExportedProgram', path: Path, description: Description, *, opset: int = 18) -> None:
    """Write a graph as an ONNX file.

    Args:
        program: The graph, with the inputs and outputs of ``ExportedNetwork``.
        path: The file.
        description: Its description.
        opset: Version of ONNX's operators.

    Raises:
        ImportError: If onnx or onnxscript is not installed.
        ValueError: If the weights do not fit into one file.
    """
    for package in ('onnx', 'onnxscript'):
        load_package(package)
    size = sum(tensor.nbytes for tensor in program.state_dict.values())
    if size >= MAX_BYTES:
        raise ValueError(f'the weights have {size / 2**30:.1f} GiB, and an ONNX file at most 2: use --half')
    with _quiet():
        converted: Any = torch.onnx.export(
            program, opset_version=opset, input_names=INPUTS, output_names=OUTPUTS, dynamo=True, verbose=False
        )
    for node in converted.model.graph.all_nodes():
        node.metadata_props.clear()  # lines of code, and where they are on this machine
    converted.model.metadata_props[KEY] = description.to_json()
    converted.save(path, external_data=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what the converter tells its developers."""
    logger = logging.getLogger('torch.onnx')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', FutureWarning)
            yield
    finally:
        logger.setLevel(level)
