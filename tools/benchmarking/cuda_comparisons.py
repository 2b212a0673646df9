"""Comparisons on a CUDA device: precisions, batch sizes, eager and compiled, forward pass and end to end."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarking.comparison import Comparison, Side
from benchmarking.comparisons import SWIN_L, SWIN_L_ALL_TASKS, SWIN_T_TRAINING
from benchmarking.measures import MatrixShare, PeakMemory, Time, TimeOfFurtherTask
from benchmarking.precision import PRECISIONS

BATCHES = (1, 8)


def _forward() -> Iterator[Comparison]:
    for precision in PRECISIONS:
        for batch in BATCHES:
            for compiled in (False, True):
                case = replace(SWIN_L, precision=precision, batch=batch, compiled=compiled)
                how = 'compiled' if compiled else 'eager'
                yield Comparison(
                    name=f'forward-{precision}-{batch}-{how}',
                    what=f'forward, Swin-L, 640 x 640, {precision}, batch {batch}, {how}, vs. transformers',
                    ours=Side('our_model:forward', case),
                    peer=Side('hugging_face:forward', case),
                    measures=(Time(), MatrixShare()),
                )


def _end_to_end() -> Iterator[Comparison]:
    for batch in BATCHES:
        case = replace(SWIN_L, precision='bfloat16', batch=batch)
        yield Comparison(
            name=f'end-to-end-{batch}',
            what=f'images to panoptic maps, Swin-L, 640 x 640, bfloat16, batch {batch}, vs. transformers',
            ours=Side('end_to_end:ours', case),
            peer=Side('end_to_end:transformers', case),
            measures=(Time(),),
        )


def _further_tasks() -> Iterator[Comparison]:
    for batch in BATCHES:
        yield Comparison(
            name=f'further-task-{batch}',
            what=f'forward, Swin-L, 640 x 640, bfloat16, batch {batch}, each additional task, relative to the first',
            ours=Side('our_model:forward', replace(SWIN_L_ALL_TASKS, precision='bfloat16', batch=batch)),
            peer=Side('our_model:forward', replace(SWIN_L, precision='bfloat16', batch=batch)),
            measures=(TimeOfFurtherTask(0.15),),
        )


def _training() -> Iterator[Comparison]:
    for name, case in {'swin-t': SWIN_T_TRAINING, 'swin-l': replace(SWIN_L, batch=2)}.items():
        case = replace(case, precision='bfloat16')
        yield Comparison(
            name=f'{name}-training',
            what=f'training step, {name.title()}, side {case.size[0]}, bfloat16, batch 2, vs. transformers',
            ours=Side('our_model:training_step', case),
            peer=Side('hugging_face:training_step', case),
            measures=(Time(), PeakMemory()),
        )


CUDA_COMPARISONS = (*_forward(), *_end_to_end(), *_further_tasks(), *_training())
