"""The programs that run an exported file: onnxruntime and OpenVINO, behind one interface."""

import os
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from mmoneformer_deploy.description import KEY, Description

INPUTS, OUTPUTS = ('images', 'tasks'), ('class_logits', 'mask_logits')
PROVIDERS = ('CUDAExecutionProvider', 'CPUExecutionProvider')  # of onnxruntime, where a caller names none
QUIET = 3  # onnxruntime logs errors alone
SLOWER = ['NchwcTransformer']  # optimizers of onnxruntime: most convolutions are 1 x 1, faster as matrix products

AnyPath = str | os.PathLike[str]


class Network(Protocol):
    """The network of an exported file.

    Attributes:
        description: What the file says about itself.
    """

    description: Description

    def __call__(self, images: np.ndarray, tasks: np.ndarray) -> Sequence[np.ndarray]:
        """Predict classes and masks.

        Args:
            images: RGB, 0 to 255, float32 [B, 3, H, W]; H and W are multiples of the description's ``size_divisor``.
            tasks: Positions in the description's ``tasks``, int64 [T].

        Returns:
            Class logits [B, T, Q, K + 1] and mask logits [B, T, Q, H/4, W/4], float32.
        """


def is_exported(path: AnyPath) -> bool:
    """Whether a file has the suffix of an exported one."""
    return Path(path).suffix.lower() in RUNTIMES


def open_network(path: AnyPath, providers: Sequence[Any] | None = None) -> Network:
    """Open an exported file.

    Args:
        path: A file of ONNX (.onnx), or of OpenVINO (.xml, with a .bin of the same name).
        providers: Execution providers of onnxruntime, by preference; None for CUDA where it is available, else the
            CPU.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If the runtime is not installed.
        ValueError: If the file is not an exported model, or a provider is not available.
    """
    if not is_exported(path):
        raise ValueError(f'{path} is not an exported model: its name must end with {" or ".join(RUNTIMES)}')
    if not os.path.isfile(path):
        raise FileNotFoundError(f'no such file: {path}')
    return RUNTIMES[Path(path).suffix.lower()](path, providers)


class OnnxNetwork:
    """A file of ONNX in onnxruntime; arguments as in ``open_network``."""

    def __init__(self, path: AnyPath, providers: Sequence[Any] | None) -> None:
        runtime = _load('onnxruntime')
        options = runtime.SessionOptions()
        options.log_severity_level = QUIET
        chosen = _check_providers(providers, runtime.get_available_providers())
        try:
            settings = dict(providers=chosen, disabled_optimizers=SLOWER)
            self._session = runtime.InferenceSession(os.fspath(path), options, **settings)
        except Exception as error:  # its errors have no common class
            raise ValueError(f'{path} is not a file of ONNX that onnxruntime can run: {error}') from error
        named = [*self._session.get_inputs(), *self._session.get_outputs()]
        self.description = Description.parse(self._session.get_modelmeta().custom_metadata_map.get(KEY), path)
        _check_names({value.name for value in named}, path)

    def __call__(self, images: np.ndarray, tasks: np.ndarray) -> Sequence[np.ndarray]:
        """See ``Network``."""
        return self._session.run(OUTPUTS, dict(zip(INPUTS, (images, tasks), strict=True)))


class OpenVinoNetwork:
    """A file of OpenVINO on the CPU; arguments as in ``open_network``."""

    def __init__(self, path: AnyPath, providers: Sequence[Any] | None) -> None:
        if providers is not None:
            raise ValueError(f'{path} runs in OpenVINO, and providers are those of onnxruntime: leave them out')
        core = _load('openvino').Core()
        try:
            model = core.read_model(os.fspath(path))
            text = str(model.get_rt_info([KEY]).value) if model.has_rt_info([KEY]) else None
        except RuntimeError as error:
            raise ValueError(f'{path} is not a file of OpenVINO that this version can run: {error}') from error
        self.description = Description.parse(text, path)
        _check_names({name for value in (*model.inputs, *model.outputs) for name in value.names}, path)
        self._network = core.compile_model(model, 'CPU')
        self._lock = Lock()

    def __call__(self, images: np.ndarray, tasks: np.ndarray) -> Sequence[np.ndarray]:
        """See ``Network``."""
        with self._lock:  # requests of several threads may wait for each other forever
            found = self._network.infer_new_request(dict(zip(INPUTS, (images, tasks), strict=True)))
        return [found[name] for name in OUTPUTS]


RUNTIMES: dict[str, Callable[[AnyPath, Sequence[Any] | None], Network]] = {
    '.onnx': OnnxNetwork,
    '.xml': OpenVinoNetwork,
}


def _load(package: str) -> ModuleType:
    try:
        return import_module(package)
    except ImportError as error:
        raise ImportError(f'{package} is not installed: pip install {package} ({error})') from error


def _check_providers(wanted: Sequence[Any] | None, available: Sequence[str]) -> Sequence[Any]:
    """Return the providers to use; each is a name, or a name and its options."""
    if wanted is None:
        return [name for name in PROVIDERS if name in available]
    names = [provider if isinstance(provider, str) else provider[0] for provider in wanted]
    missing = [name for name in names if name not in available]
    if missing:
        raise ValueError(f'providers {missing} are not available: this onnxruntime has {list(available)}')
    return wanted


def _check_names(names: Iterable[str], path: AnyPath) -> None:
    missing = sorted({*INPUTS, *OUTPUTS} - set(names))
    if missing:
        raise ValueError(f'{path} is not an exported model: it lacks {missing}; export it again')
