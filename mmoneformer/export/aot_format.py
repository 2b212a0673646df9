"""Exported files with code that AOTInductor compiled, which ``torch._inductor.aoti_load_package`` loads."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch

from mmoneformer_deploy.description import KEY, Description

if TYPE_CHECKING:
    from torch.export import ExportedProgram

METADATA = '_metadata.json'  # end of the name in the archive that AOTInductor gives the metadata of a model


def check_installed() -> None:
    """Check that torch compiles to files, and that there is the C++ compiler which it needs.

    Raises:
        ImportError: If torch is older than 2.6.
        RuntimeError: If there is no compiler.
    """
    try:
        from torch._inductor import aoti_compile_and_package  # noqa: F401
    except ImportError as error:
        raise ImportError(f'the format aot needs torch 2.6 or newer, this is {torch.__version__}') from error
    from torch._inductor.cpp_builder import get_cpp_compiler  # here: importing it takes long
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        get_cpp_compiler()
    except InvalidCxxCompiler as error:
        message = f'the format aot needs a C++ compiler: install g++, or name one in CXX ({error})'
        raise RuntimeError(message) from error


def write_aot(program: 'ExportedProgram', path: Path, description: Description) -> None:
    """Compile a graph for CPUs like that of this machine, and write the code as a .pt2 file.

    Args:
        program: The graph, with the inputs and outputs of ``ExportedNetwork``.
        path: The file.
        description: Its description, which is metadata of the model.
    """
    from torch._inductor import aoti_compile_and_package

    settings = {'aot_inductor.metadata': {KEY: description.to_json()}}
    aoti_compile_and_package(program, package_path=os.fspath(path), inductor_configs=settings)


class AotNetwork:
    """An exported file with compiled code. It is run as any program is: take files from people you trust alone.

    Args:
        path: The file.

    Raises:
        ValueError: If the file is damaged, or not an exported model; then none of its code is run.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.description = Description.parse(read_metadata(path), path)
        from torch._inductor import aoti_load_package

        self.model = aoti_load_package(path)

    @torch.no_grad()
    def __call__(self, images: np.ndarray, tasks: np.ndarray) -> Sequence[np.ndarray]:
        """See ``mmoneformer_deploy.runtimes.Network``."""
        return [logits.numpy() for logits in self.model(torch.from_numpy(images), torch.from_numpy(tasks))]


def read_metadata(path: str | os.PathLike[str]) -> str | None:
    """Read the description of a file, without running its code; None if it has none, or no compiled code.

    Raises:
        ValueError: If it is damaged, or no archive.
    """
    try:
        with ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(METADATA)]
            return json.loads(archive.read(names[0])).get(KEY) if names else None
    except (AttributeError, BadZipFile, ValueError) as error:
        raise ValueError(f'{path} is not a file that AOTInductor wrote: {error}') from error
