"""The packages that only some parts need: those of the extras of ``setup.py``."""

from importlib import import_module
from typing import Any

EXTRAS = {
    'onnx': 'export',
    'onnxscript': 'export',
    'onnxruntime': 'export',
    'openvino': 'openvino',
    'rasterio': 'geo',
    'pyogrio': 'geo',
    'shapely': 'geo',
}


def load_package(name: str) -> Any:
    """Import a package.

    Raises:
        ImportError: If it is not installed; the message has the command that installs it.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition('.')[0]
        if error.name != package:
            raise
        raise ImportError(
            f"this needs {package}, which is not installed: pip install 'mmoneformer[{EXTRAS[package]}]'"
        ) from error
