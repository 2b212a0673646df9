"""The formats of exported files: how each is written, and run to compare it with the model."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mmoneformer.export import aot_format, onnx_format, openvino_format
from mmoneformer.export.aot_format import AotNetwork, write_aot
from mmoneformer.export.onnx_format import write_onnx
from mmoneformer.export.openvino_format import write_openvino
from mmoneformer.export.torch_format import TorchNetwork, write_torch
from mmoneformer.packages import load_package
from mmoneformer_deploy.runtimes import Network, OnnxNetwork, OpenVinoNetwork


class Format(NamedTuple):
    """A format of exported files.

    Attributes:
        suffixes: Of its files; the first is that of the file that users name.
        write: Writes a graph, with its description and the format's options.
        open: Loads a file, to run on the CPU.
        options: Names of the options of ``write``.
        runtime: The package that ``open`` needs, and ``write`` for int8.
        check: Checks that everything else is installed that ``write`` needs; None if torch is all.
    """

    suffixes: Sequence[str]
    write: Callable[..., None]
    open: Callable[[str | os.PathLike[str]], Network]
    options: Sequence[str]
    runtime: str = 'torch'
    check: Callable[[], None] | None = None

    def files(self, path: Path) -> list[Path]:
        """All files of the model that users name ``path``."""
        return [path.with_suffix(suffix) for suffix in self.suffixes]

    def check_installed(self, *, runs: bool) -> None:
        """Check that what writes files is installed, and with ``runs`` what runs them.

        Raises:
            ImportError, RuntimeError: If a package or a compiler is not.
        """
        if self.check:
            self.check()
        if runs:
            load_package(self.runtime)

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
    'onnx': Format(
        suffixes=['.onnx'],
        write=write_onnx,
        open=partial(OnnxNetwork, providers=CPU),
        options=['opset', 'half', 'int8'],
        runtime='onnxruntime',
        check=onnx_format.check_installed,
    ),
    'torch': Format(suffixes=['.pt2'], write=write_torch, open=TorchNetwork, options=[]),
    'aot': Format(  # behind 'torch', which is the format of the suffix
        suffixes=['.pt2'], write=write_aot, open=AotNetwork, options=[], check=aot_format.check_installed
    ),
    'openvino': Format(
        suffixes=['.xml', '.bin'],
        write=write_openvino,
        open=partial(OpenVinoNetwork, providers=None),
        options=['opset', 'half'],
        runtime='openvino',
        check=openvino_format.check_installed,
    ),
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
