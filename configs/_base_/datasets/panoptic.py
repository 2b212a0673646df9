# What panoptic data sets have in common. The file of a data set adds its paths and pipelines, and model_settings: what
# the model takes from it, which configs write as `model = {{_base_.model_settings}}`
train_dataloader = dict(
    batch_size=16,  # over all GPUs: divide by their number
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='ResumableSampler'),
    dataset=dict(type='PanopticSegDataset', filter_cfg=dict(filter_empty_gt=True)),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='PanopticSegDataset', test_mode=True),
)
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='PanopticQuality'),
    dict(type='ThingInstanceAP'),
    dict(type='SemanticIoU', iou_metrics=['mIoU']),
]
test_evaluator = val_evaluator
