"""Exported files in the format of OpenVINO: ``model.xml`` has the graph, and ``model.bin`` the weights."""

from pathlib import Path
from typing import TYPE_CHECKING

from mmoneformer.export import onnx_format
from mmoneformer.export.onnx_format import write_onnx
from mmoneformer.packages import load_package
from mmoneformer_deploy.atomic_files import partial_path
from mmoneformer_deploy.description import KEY, Description

if TYPE_CHECKING:
    from torch.export import ExportedProgram


def check_installed() -> None:
    """Check that OpenVINO is installed, and what writes the ONNX file that it converts.

    Raises:
        ImportError: If a package is not.
    """
    onnx_format.check_installed()
    load_package('openvino')


def write_openvino(
    program: 'ExportedProgram', path: Path, description: Description, *, opset: int = 18, half: bool = False
) -> None:
    """Write a graph for OpenVINO, which converts it from ONNX.

    Args:
        program: The graph, with the inputs and outputs of ``ExportedNetwork``.
        path: The .xml file; the .bin file is next to it.
        description: Its description.
        opset: Version of ONNX's operators.
        half: Whether the weights are stored in half precision.

    Raises:
        ValueError: If the weights do not fit into one ONNX file.
    """
    openvino = load_package('openvino')
    between = partial_path(path.with_suffix('.onnx'), unique=True)  # not over a file that is there
    try:
        write_onnx(program, between, description, opset=opset)
        model = openvino.convert_model(between)
    finally:
        between.unlink(missing_ok=True)
    model.set_rt_info(description.to_json(), [KEY])
    openvino.save_model(model, path, compress_to_fp16=half)
