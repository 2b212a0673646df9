"""Comparisons on a CPU, with their targets."""

from dataclasses import replace

from benchmarking.case import Case
from benchmarking.comparison import Comparison, Side
from benchmarking.measures import ExtraMemory, KeptMemory, PanopticAgreement, PeakMemory, Time, TimeOfFurtherTask
from mmoneformer.tasks import TASKS

SWIN_L = Case(config='oneformer_swin-l_ade20k', size=(640, 640))
SWIN_L_ALL_TASKS = replace(SWIN_L, tasks=tuple(TASKS))
SWIN_T = Case(config='oneformer_swin-t_coco', size=(512, 512))
SWIN_T_TRAINING = replace(SWIN_T, batch=2, tasks=('panoptic', 'semantic'))
R50 = Case(config='oneformer_r50_coco', size=(512, 512))
R50_TRAINING = replace(R50, batch=2)
VIT_B_TRAINING = Case(
    config='oneformer_dinov2-b_ade20k', size=(512, 512), options={'model.backbone.pretrained': False}
)
VIT_B_FROZEN = replace(VIT_B_TRAINING, options={**VIT_B_TRAINING.options, 'model.backbone.frozen': True})
COCO_DATA = Case(config='oneformer_r50_coco', size=(480, 640), masks=40)
ADE20K_DATA = Case(config='oneformer_swin-l_ade20k', size=(512, 704), masks=20)
POST_PROCESSING = Case(size=(1024, 2048), queries=250, masks=250)


def forward_vs_hugging_face(name: str, what: str, case: Case, *, target: float) -> Comparison:
    """One forward pass of ours for all tasks, against one of theirs per task."""
    sides = dict(ours=Side('our_model:forward', case), peer=Side('hugging_face:forward', case))
    return Comparison(name=name, what=what, measures=(Time(target),), **sides)


def post_processing(name: str, what: str, case: Case) -> Comparison:
    """Post-processing of the same logits to the results of the three tasks."""
    return Comparison(
        name=name,
        what=what,
        ours=Side('post_processing:ours', case),
        peer=Side('post_processing:hugging_face', case),
        measures=(Time(0.20), ExtraMemory(1.0)),
    )


def data_pipeline(name: str, what: str, case: Case, *, target: float | None = None) -> Comparison:
    """Samples of training, as one worker makes them."""
    return Comparison(
        name=name,
        what=f'{case.samples} training samples in one worker, {what}, vs. mmdet',
        ours=Side('pipelines:ours', case),
        peer=Side('pipelines:mmdet', case),
        measures=(Time(target),),
    )


def exported(name: str, what: str, runtime: str, case: Case, *, target: float | None) -> Comparison:
    """One forward pass of an exported file, against torch."""
    sides = dict(ours=Side(f'exported:{runtime}', case), peer=Side('exported:torch_forward', case))
    return Comparison(
        name=name, what=f'forward, {what}, 512 x 512, one task, vs. torch', measures=(Time(target),), **sides
    )


COMPARISONS = (
    forward_vs_hugging_face('swin-l', 'forward, Swin-L, 640 x 640, one task, vs. transformers', SWIN_L, target=0.80),
    forward_vs_hugging_face('swin-t', 'forward, Swin-T, 512 x 512, one task, vs. transformers', SWIN_T, target=0.50),
    forward_vs_hugging_face(
        'swin-l-three-tasks',
        'forward, Swin-L, 640 x 640, three tasks, vs. three passes of transformers',
        SWIN_L_ALL_TASKS,
        target=0.35,
    ),
    Comparison(
        name='swin-l-bfloat16',
        what='forward, Swin-L, 640 x 640, one task, bfloat16 autocast, vs. transformers in float32',
        ours=Side('our_model:forward', replace(SWIN_L, precision='bfloat16')),
        peer=Side('hugging_face:forward', SWIN_L),
        measures=(Time(0.40), PanopticAgreement(0.99)),
    ),
    Comparison(
        name='swin-t-training',
        what='training step, Swin-T, 512 x 512, batch 2, 15 masks, vs. transformers',
        ours=Side('our_model:training_step', SWIN_T_TRAINING),
        peer=Side('hugging_face:training_step', SWIN_T_TRAINING),
        measures=(Time(0.35), PeakMemory(0.40)),
    ),
    Comparison(
        name='r50-training',
        what="training step, R50, 512 x 512, batch 2, 15 masks, 150 queries, vs. mmdet's Mask2Former with 100",
        ours=Side('our_model:training_step', R50_TRAINING),
        peer=Side('mask2former:training_step', R50_TRAINING),
        measures=(Time(0.70), PeakMemory()),
    ),
    Comparison(
        name='frozen-vit-b-training',
        what='training step, DINOv2 ViT-B, 512 x 512, one image, 15 masks, frozen vs. all layers',
        ours=Side('our_model:training_step', VIT_B_FROZEN),
        peer=Side('our_model:training_step', VIT_B_TRAINING),
        measures=(Time(0.60), PeakMemory()),
    ),
    Comparison(
        name='frozen-vit-b-kept',
        what='training step, DINOv2 ViT-B, 512 x 512, one image, frozen vs. all layers: memory that it keeps',
        ours=Side('our_model:kept_in_training', VIT_B_FROZEN),
        peer=Side('our_model:kept_in_training', VIT_B_TRAINING),
        measures=(KeptMemory(0.45),),
    ),
    data_pipeline('data-coco', 'COCO: 480 x 640 with 40 segments to 1024 x 1024', COCO_DATA, target=0.30),
    data_pipeline('data-ade20k', 'ADE20K: 512 x 704 with 20 segments to 640 x 640', ADE20K_DATA),
    post_processing(
        'post-processing',
        'post-processing, three tasks, 1024 x 2048, 250 confident queries, vs. transformers',
        POST_PROCESSING,
    ),
    post_processing(
        'post-processing-usual',
        'post-processing, three tasks, 1024 x 2048, 40 of 250 queries confident, vs. transformers',
        replace(POST_PROCESSING, masks=40),
    ),
    Comparison(
        name='further-task',
        what='forward, Swin-L, 640 x 640, each additional task, relative to the first',
        ours=Side('our_model:forward', SWIN_L_ALL_TASKS),
        peer=Side('our_model:forward', SWIN_L),
        measures=(TimeOfFurtherTask(0.15),),
    ),
    exported('exported-swin-t', 'Swin-T in onnxruntime', 'onnxruntime', SWIN_T, target=1.0),
    exported('exported-swin-t-openvino', 'Swin-T in OpenVINO', 'openvino', SWIN_T, target=1.0),
    exported('exported-swin-t-int8', 'Swin-T in onnxruntime in int8', 'onnxruntime_int8', SWIN_T, target=0.6),
    exported('exported-r50', 'R50 in onnxruntime', 'onnxruntime', R50, target=1.0),
    exported('exported-r50-openvino', 'R50 in OpenVINO', 'openvino', R50, target=1.0),
    exported('exported-r50-int8', 'R50 in onnxruntime in int8', 'onnxruntime_int8', R50, target=0.6),
    Comparison(
        name='exported-three-tasks',
        what='forward, R50 in onnxruntime, 512 x 512, three tasks, vs. one task',
        ours=Side('exported:onnxruntime', replace(R50, tasks=tuple(TASKS))),
        peer=Side('exported:onnxruntime', R50),
        measures=(Time(1.25),),
    ),
)
