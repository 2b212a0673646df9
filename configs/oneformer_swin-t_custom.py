# Your own data: edit the first part of a copy of this file; the second part follows from it. See docs/own_data.md
#     mmoneformer config oneformer_swin-t_custom > mine.py
_base_ = [
    '_base_/models/oneformer_swin-t.py',
    '_base_/datasets/custom.py',  # file names
    '_base_/schedules/adamw_amp.py',
    '_base_/default_runtime.py',
]

# The data: the class names, which of them are things (countable objects), and a line for each folder, with the kind of
# its annotation: 'panoptic', 'instance' or 'semantic'
classes = ('grass', 'circle', 'square', 'water', 'triangle', 'sand', 'star', 'ring', 'sky')
things = ('circle', 'square', 'triangle', 'star', 'ring')
sources = [
    dict(annotation='panoptic', data_root='data/shapes/'),
    # dict(annotation='instance', data_root='data/more/', classes=('star', 'ring')),  # if not all
    # dict(annotation='semantic', data_root='data/maps/', classes=('sand', 'sky')),  # if not all, in their order
]

# The training
load_from = None  # checkpoint to start from, of any classes: trained here, or converted
max_iters = 20000
batch_size = 8  # images per GPU
crop_size = (512, 512)  # pixels, width and height

# Memory
recompute = False  # True: activation checkpointing
frozen_stages = -1  # of the backbone; 4 freezes all of it
accumulate = 1  # steps per update of the weights; the contrastive loss compares the images of one step

# What follows
own_data = __import__('mmoneformer.own_data', fromlist=['own_data'])  # it checks the first part
metainfo = own_data.own_metainfo(classes, things)
annotations = own_data.annotations(sources, list(_base_.layouts['train']))
classes_of = dict(panoptic=None, instance=dict(classes=things), semantic=dict(classes=classes))  # None: the json's own
datasets = {
    split: [
        dict(
            layout[source['annotation']],
            metainfo=dict(classes=source['classes']) if 'classes' in source else classes_of[source['annotation']],
            **{key: value for key, value in source.items() if key not in ('annotation', 'classes')},
        )
        for source in sources
    ]
    for split, layout in _base_.layouts.items()
}
annotated = [task for task in ('panoptic', 'instance', 'semantic') if annotations & {task, 'panoptic'}]
tasks = ['panoptic', *annotated] if annotated == ['instance', 'semantic'] else annotated  # together they are panoptic

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadSegments'),
    dict(
        type='RandomChoiceResize',
        resize_type='mmdet.Resize',
        scales=[(4 * min(crop_size), min(crop_size) * tenths // 10) for tenths in range(5, 21)],
        keep_ratio=True,
    ),
    dict(type='mmdet.RandomCrop', crop_size=crop_size, allow_negative_crop=True),
    dict(type='mmseg.PhotoMetricDistortion'),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='mmdet.Pad', size=crop_size, pad_val=dict(img=(128, 128, 128), seg=0)),  # 0 is void
    dict(type='SampleTask'),
    dict(type='PackOneFormerInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(4 * min(crop_size), min(crop_size)), keep_ratio=True),
    dict(type='LoadSegments'),  # after the resize: results are compared at the original size
    dict(type='PackOneFormerInputs'),
]
train_dataloader = dict(
    batch_size=batch_size,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='ResumableSampler'),
    dataset=dict(type='MultiSourceDataset', metainfo=metainfo, sources=datasets['train'], pipeline=train_pipeline),
)
val_dataloader = test_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='MultiSourceDataset', metainfo=metainfo, sources=datasets['val'], pipeline=test_pipeline, test_mode=True
    ),
)
val_evaluator = test_evaluator = [_base_.evaluators[task] for task in annotated]

model = dict(
    metainfo=metainfo,
    backbone=dict(
        with_cp=recompute,
        frozen_stages=frozen_stages,
        init_cfg=None if load_from else dict(type='Pretrained', checkpoint=_base_.pretrained),
    ),
    panoptic_head=dict(pixel_decoder=dict(with_cp=recompute)),
    test_cfg=dict(object_mask_thr=0.5, tasks=tasks),
)
optim_wrapper = dict(accumulative_counts=accumulate)
auto_scale_lr = dict(base_batch_size=8)
warm_up, interval = max(max_iters // 20, 1), max(max_iters // 10, 1)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=max(warm_up, 2), by_epoch=False),  # it needs 2 steps
    dict(type='PolyLR', power=0.9, eta_min=0, begin=warm_up, end=max_iters, by_epoch=False),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=interval)
default_hooks = dict(checkpoint=dict(interval=interval, save_best=_base_.best[annotated[0]]))
