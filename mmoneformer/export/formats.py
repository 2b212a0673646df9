"""The formats of exported files: how each is written, and run to compare it with the model."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mmoneformer.export.aot_format import AotNetwork, write_aot
from mmoneformer.export.onnx_format import write_onnx
from mmoneformer.export.openvino_format import write_openvino
from mmoneformer.export.torch_format import TorchNetwork, write_torch
from mmoneformer_deploy.runtimes import Network, OnnxNetwork, OpenVinoNetwork


class Format(NamedTuple):
    """A format of exported files.

    Attributes:
        suffixes: Of its files; the first is that of the file that users name.
        write: Writes a graph, with its description and the format's options.
        open: Loads a file, to run on the CPU.
        options: Names of the options of ``write``.
    """

    suffixes: Sequence[str]
    write: Callable[..., None]
    open: Callable[[str | os.PathLike[str]], Network]
    options: Sequence[str]

    def files(self, path: Path) -> list[Path]:
        """All files of the model that users name ``path``."""
        return [path.with_suffix(suffix) for suffix in self.suffixes]

    def check_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options that are not None.

        Raises:
            ValueError: If the format does not have one of them.
        """
        given = {name: value for name, value in options.items() if value is not None}
        unknown = sorted(given.keys() - set(self.options))
        if unknown:
            having = [name for name, each in FORMATS.items() if unknown[0] in each.options]
            raise ValueError(f'{unknown[0]} has no effect on {self.suffixes[0]} files: it is for the formats {having}')
        return given


CPU = ['CPUExecutionProvider']
FORMATS = {
    'onnx': Format(['.onnx'], write_onnx, partial(OnnxNetwork, providers=CPU), ['opset', 'half', 'int8']),
    'torch': Format(['.pt2'], write_torch, TorchNetwork, []),
    'aot': Format(['.pt2'], write_aot, AotNetwork, []),  # behind 'torch', which is that of the suffix
    'openvino': Format(['.xml', '.bin'], write_openvino, partial(OpenVinoNetwork, providers=None), ['opset', 'half']),
}


def format_of(path: str | os.PathLike[str], name: str | None = None) -> Format:
    """Return the format of a file.

    Args:
        path: The file.
        name: One of ``FORMATS``; None for the format of the file's suffix.

    Raises:
        ValueError: If there is no such format, or it has another suffix.
    """
    suffix = Path(path).suffix
    if name is None:
        found = [each for each in FORMATS.values() if each.suffixes[0] == suffix]
        if not found:
            known = ', '.join(f'{each.suffixes[0]} ({key})' for key, each in FORMATS.items())
            raise ValueError(f'{path} has the suffix {suffix!r}, by which no format is known: use one of {known}')
        return found[0]
    if name not in FORMATS:
        raise ValueError(f'unknown format {name!r}: choose one of {list(FORMATS)}')
    if FORMATS[name].suffixes[0] != suffix:
        raise ValueError(f'{path} must end in {FORMATS[name].suffixes[0]}, as files of the format {name} do')
    return FORMATS[name]
