"""CUDA graphs of a network: its kernels are captured once for each size of the input, and replayed together.

With one image, launching the kernels one by one takes longer than running them.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from threading import Lock
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mmoneformer.models.ops.dispatch import runs_on

Network = Callable[..., Any]
MAX_GRAPHS = 16  # the least recently used ones are dropped
WARM_UP_RUNS = 2  # libraries choose and load their kernels
OTHER_THREADS_MAY_WAIT = 'thread_local'  # for the device, while one captures


class _Captured(NamedTuple):
    """A graph, the tensor that it reads, and the tensors that it writes."""

    graph: torch.cuda.CUDAGraph
    inputs: Tensor
    outputs: Any


class CudaGraphs:
    """A network that is replayed from CUDA graphs where it runs on CUDA without gradients, and called elsewhere.

    Results are those of the network, bit by bit. Calls from several threads follow one another.

    Args:
        network: Takes images [B, 3, H, W] and settings; returns tensors in tuples and lists. It must not wait for the
            device.
        parameters: Gives the parameters of the network; graphs are captured again if they are moved.
    """

    def __init__(self, network: Network, parameters: Callable[[], Iterable[Tensor]]) -> None:
        self._network, self._parameters = network, parameters
        self._graphs: OrderedDict[Any, _Captured] = OrderedDict()
        self._pool: Any = None  # graphs share their memory: outputs are copied before the next replay
        self._lock = Lock()

    def __call__(self, inputs: Tensor, *settings: Hashable) -> Any:
        """Return what the network returns, from a graph of its own for each size and each of the settings."""
        if torch.is_grad_enabled() or not runs_on(inputs, 'cuda'):
            return self._network(inputs, *settings)
        with self._lock:
            captured = self._find(inputs, settings)
            captured.inputs.copy_(inputs)
            captured.graph.replay()
            return _copy(captured.outputs)

    def _find(self, inputs: Tensor, settings: tuple[Hashable, ...]) -> _Captured:
        key = (
            (inputs.shape, inputs.dtype, inputs.device, settings),
            (torch.is_autocast_enabled('cuda'), torch.get_autocast_dtype('cuda')),
            (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32),
            tuple(parameter.data_ptr() for parameter in self._parameters()),
        )
        if key not in self._graphs:
            if len(self._graphs) == MAX_GRAPHS:
                self._graphs.popitem(last=False)
            self._graphs[key] = self._capture(inputs, settings)
        self._graphs.move_to_end(key)
        return self._graphs[key]

    def _capture(self, inputs: Tensor, settings: tuple[Hashable, ...]) -> _Captured:
        self._pool = self._pool or torch.cuda.graph_pool_handle()
        with torch.inference_mode(False), torch.no_grad():
            inputs = inputs.clone()  # written outside of inference mode, too
        stream = torch.cuda.Stream(inputs.device)
        stream.wait_stream(torch.cuda.current_stream(inputs.device))
        graph = torch.cuda.CUDAGraph()
        # a cached cast of a weight would be gone when the graph is replayed
        dtype, enabled = torch.get_autocast_dtype('cuda'), torch.is_autocast_enabled('cuda')
        with torch.autocast('cuda', dtype, enabled, cache_enabled=False):
            with torch.cuda.stream(stream):
                for _ in range(WARM_UP_RUNS):
                    self._network(inputs, *settings)
            torch.cuda.current_stream(inputs.device).wait_stream(stream)
            with torch.cuda.graph(graph, pool=self._pool, stream=stream, capture_error_mode=OTHER_THREADS_MAY_WAIT):
                outputs = self._network(inputs, *settings)
        return _Captured(graph, inputs, outputs)


def _copy(outputs: Any) -> Any:
    """Copy tensors in tuples, named tuples and lists."""
    if isinstance(outputs, Tensor):
        return outputs.clone()
    copies = map(_copy, outputs)
    return type(outputs)(*copies) if hasattr(outputs, '_fields') else type(outputs)(copies)
