"""What is compared on a CPU: the table of all comparisons, with their targets."""

from dataclasses import replace

from benchmarking.case import Case
from benchmarking.comparison import Comparison, Side
from benchmarking.measures import ExtraMemory, PanopticAgreement, PeakMemory, Time, TimeOfFurtherTask
from mmoneformer.tasks import TASKS

SWIN_L = Case(config='oneformer_swin-l_ade20k', size=(640, 640))
SWIN_L_ALL_TASKS = replace(SWIN_L, tasks=tuple(TASKS))
SWIN_T = Case(config='oneformer_swin-t_coco', size=(512, 512))
SWIN_T_TRAINING = replace(SWIN_T, batch=2, tasks=('panoptic', 'semantic'))
R50_TRAINING = Case(config='oneformer_r50_coco', size=(512, 512), batch=2)
JITTER = Case(config='oneformer_r50_coco', size=(480, 640), masks=40)
POST_PROCESSING = Case(size=(1024, 2048), queries=250, masks=250)


def forward_beside_hugging_face(name: str, what: str, case: Case, *, target: float) -> Comparison:
    """One pass of ours for all tasks beside one of theirs for each."""
    sides = dict(ours=Side('our_model:forward', case), peer=Side('hugging_face:forward', case))
    return Comparison(name=name, what=what, measures=(Time(target),), **sides)


def post_processing(name: str, what: str, case: Case) -> Comparison:
    """Results of the three tasks from the same logits."""
    return Comparison(
        name=name,
        what=what,
        ours=Side('post_processing:ours', case),
        peer=Side('post_processing:hugging_face', case),
        measures=(Time(0.20), ExtraMemory(1.0)),
    )


COMPARISONS = (
    forward_beside_hugging_face('swin-l', 'Swin-L 640 x 640, one task, beside transformers', SWIN_L, target=0.80),
    forward_beside_hugging_face('swin-t', 'Swin-T 512 x 512, one task, beside transformers', SWIN_T, target=0.50),
    forward_beside_hugging_face(
        'swin-l-three-tasks',
        "Swin-L 640 x 640, three tasks, beside transformers' three passes",
        SWIN_L_ALL_TASKS,
        target=0.35,
    ),
    Comparison(
        name='swin-l-bfloat16',
        what='Swin-L 640 x 640, one task, bfloat16 autocast, beside transformers in float32',
        ours=Side('our_model:forward', replace(SWIN_L, precision='bfloat16')),
        peer=Side('hugging_face:forward', SWIN_L),
        measures=(Time(0.40), PanopticAgreement(0.99)),
    ),
    Comparison(
        name='swin-t-training',
        what='training step, Swin-T 512 x 512, batch 2, 15 masks, beside transformers',
        ours=Side('our_model:training_step', SWIN_T_TRAINING),
        peer=Side('hugging_face:training_step', SWIN_T_TRAINING),
        measures=(Time(0.35), PeakMemory(0.40)),
    ),
    Comparison(
        name='r50-training',
        what="training step, ResNet-50 512 x 512, batch 2, 15 masks, 150 queries, beside mmdet's Mask2Former, 100",
        ours=Side('our_model:training_step', R50_TRAINING),
        peer=Side('mask2former:training_step', R50_TRAINING),
        measures=(Time(0.70), PeakMemory()),
    ),
    Comparison(
        name='pipeline',
        what="data pipeline, 480 x 640 with 40 segments to 1024 x 1024, 20 samples, beside mmdet's",
        ours=Side('pipelines:ours', JITTER),
        peer=Side('pipelines:mmdet', JITTER),
        measures=(Time(0.30),),
    ),
    post_processing(
        'post-processing',
        'post-processing of three tasks, 1024 x 2048, 250 sure queries, beside transformers',
        POST_PROCESSING,
    ),
    post_processing(
        'post-processing-usual',
        'post-processing of three tasks, 1024 x 2048, 40 of 250 queries sure, beside transformers',
        replace(POST_PROCESSING, masks=40),
    ),
    Comparison(
        name='further-task',
        what='Swin-L 640 x 640, each further task of an image, beside the first',
        ours=Side('our_model:forward', SWIN_L_ALL_TASKS),
        peer=Side('our_model:forward', SWIN_L),
        measures=(TimeOfFurtherTask(0.15),),
    ),
)
