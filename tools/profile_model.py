"""Profile a forward pass or a training step of a model, by module and by operator."""

from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Callable, Sequence
from typing import Any

from benchmarking import our_model
from benchmarking.case import Case
from benchmarking.precision import PRECISIONS
from torch.profiler import ProfilerActivity, profile, record_function

from mmoneformer.models import OneFormer
from mmoneformer.tasks import TASKS

Maker = Callable[[OneFormer, Case], Callable[[], Any]]
TOTAL, REST = 'total', 'other, and backward'
PARTS = (
    'backbone',
    'panoptic_head.pixel_decoder',
    'panoptic_head.query_initializer',
    'panoptic_head.masked_decoder',
    'panoptic_head.text_mapper',
    'panoptic_head.set_loss',
    'panoptic_head.contrastive_loss',
)
MAKERS: dict[str, Maker] = {'forward': our_model.forward_of, 'training': our_model.training_step_of}


def profile_work(make: Maker, case: Case, *, rows: int) -> str:
    """Profile the second of two runs.

    Args:
        make: Creates the function to profile from a model and a case.
        case: Size of the inputs.
        rows: Number of operators to list.

    Returns:
        A table of the modules, followed by a table of the operators.
    """
    model = our_model.build(case)
    for name in PARTS:
        part = model.get_submodule(name)
        part.forward = _recorded(name, part.forward)
    work = make(model, case)
    work()  # the first run fills caches
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if case.device.startswith('cuda') else [])]
    with profile(activities=activities) as profiler, record_function(TOTAL):
        work()
    averages = profiler.key_averages()
    seconds = {row.key: row.cpu_time_total / 1e6 for row in averages if row.key in (TOTAL, *PARTS)}
    seconds[REST] = 2 * seconds[TOTAL] - sum(seconds.values())
    lines = [f'{name:<34}{seconds[name]:9.3f} s {seconds[name] / seconds[TOTAL]:6.1%}' for name in seconds]
    return '\n'.join([*lines, '', averages.table(sort_by=f'self_{case.device}_time_total', row_limit=rows)])


def _recorded(name: str, forward: Callable[..., Any]) -> Callable[..., Any]:
    def recorded(*arguments: Any, **named: Any) -> Any:
        with record_function(name):
            return forward(*arguments, **named)

    return recorded


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = ArgumentParser(description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument('config', help='config name, for example oneformer_swin-l_ade20k')
    parser.add_argument('--work', choices=list(MAKERS), default='forward', help='what to profile')
    parser.add_argument(
        '--size', nargs=2, type=int, default=(640, 640), metavar=('H', 'W'), help='image size in pixels'
    )
    parser.add_argument('--batch', type=int, default=1, help='batch size')
    parser.add_argument('--tasks', nargs='+', choices=list(TASKS), default=['panoptic'], help='tasks to predict')
    parser.add_argument('--precision', choices=PRECISIONS, default='float32', help='floating-point precision')
    parser.add_argument('--device', choices=['cpu', 'cuda'], default='cpu', help='device')
    parser.add_argument('--rows', type=int, default=20, help='number of operators to list')
    options = vars(parser.parse_args(arguments))
    work, rows = options.pop('work'), options.pop('rows')
    height, width = options.pop('size')
    case = Case(size=(height, width), tasks=tuple(options.pop('tasks')), **options)
    print(profile_work(MAKERS[work], case, rows=rows))


if __name__ == '__main__':
    main()
