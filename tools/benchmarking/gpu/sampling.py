"""Sampling of deformable attention at the sizes of the pixel decoder: the form that is chosen, and the plain one."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from benchmarking.gpu.figures import OURS, Message, Work
from benchmarking.gpu.implementations import NETWORKS, Network
from benchmarking.gpu.machine import describe
from benchmarking.gpu.side_by_side import Bench, Contender
from benchmarking.settings import Settings
from mmoneformer.models.ops.deformable_sampling import sample, sample_by_grid

PLAIN = 'plain torch (grid_sample)'
STRIDES = (32, 16, 8)
HEADS, POINTS, CHANNELS = 8, 4, 32  # channels of a head
REACH = 0.05  # how far points lie from their query, as a share of the image
BATCHES = (1, 8)
Sample = Callable[[Tensor, list[tuple[int, int]], Tensor, Tensor], Tensor]
FORMS: dict[str, Sample] = {OURS: sample, PLAIN: sample_by_grid}


def prepare(settings: Settings) -> Callable[[], Iterator[Message]]:
    """Gives what measures the forms."""

    def measure() -> Iterator[Message]:
        machine = describe(settings.device, quick=settings.quick)
        yield machine
        bench = Bench(settings.device, settings.rounds, machine.matrix_rates)
        for network in NETWORKS.values():
            for batch in BATCHES:
                for backward in (False, True):
                    yield from measure_row(network, batch, backward=backward, bench=bench, settings=settings)

    return measure


def measure_row(
    network: Network, batch: int, *, backward: bool, bench: Bench, settings: Settings
) -> Iterator[Message]:
    """Measure both forms in float32, as the pixel decoder runs."""
    case = network.case.under(settings)
    what = 'deformable sampling, forward and backward' if backward else 'deformable sampling, forward'
    work = Work(network=network.named(settings), what=what, precision='float32', batch=batch)
    contenders = [
        Contender(name, partial(make_run, form, case.size, batch, settings.device, backward=backward))
        for name, form in FORMS.items()
    ]
    return bench.measure(work, contenders, with_flops=False)


def make_run(form: Sample, size: tuple[int, int], batch: int, device: str, *, backward: bool) -> Callable[[], Tensor]:
    """Draw values, locations around each query, and weights."""
    torch.manual_seed(0)
    sizes = [(-(-size[0] // stride), -(-size[1] // stride)) for stride in STRIDES]
    count = sum(height * width for height, width in sizes)
    values = torch.randn(batch, count, HEADS, CHANNELS, device=device)
    shape = (batch, count, HEADS, len(sizes), POINTS)
    centers = torch.rand(count, 2, device=device)[:, None, None, None]
    locations = centers + REACH * torch.randn(*shape, 2, device=device)
    weights = torch.rand(shape, device=device).flatten(-2).softmax(-1).view(shape)
    inputs = [tensor.requires_grad_(backward) for tensor in (values, locations, weights)]

    def run() -> Tensor:
        summed = form(inputs[0], sizes, inputs[1], inputs[2])
        if not backward:
            return summed
        return torch.autograd.grad(summed, inputs, torch.ones_like(summed))[0]

    return run
