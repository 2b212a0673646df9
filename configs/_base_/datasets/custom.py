# Your own data: file names and evaluators. Folders and classes are in configs/oneformer_swin-t_custom.py
layouts = {  # file names as written by tools/make_shapes_dataset.py, relative to data_root
    split: dict(
        panoptic=dict(
            type='PanopticSegDataset',
            ann_file=f'annotations/panoptic_{split}.json',
            data_prefix=dict(img=f'{split}/', seg=f'panoptic_{split}/'),
            filter_cfg=dict(filter_empty_gt=True),
        ),
        instance=dict(
            type='mmdet.CocoDataset',
            ann_file=f'annotations/instances_{split}.json',
            data_prefix=dict(img=f'{split}/'),
            filter_cfg=dict(filter_empty_gt=True),
        ),
        semantic=dict(
            type='mmseg.BaseSegDataset',
            data_prefix=dict(img_path=f'{split}/', seg_map_path=f'semantic_{split}/'),
            img_suffix='.jpg',
            seg_map_suffix='.png',
            reduce_zero_label=True,  # 0 is no class, and 1 the first; with False 0 is the first, and 255 none
        ),
    )
    for split in ('train', 'val')
}
evaluators = dict(
    panoptic=dict(type='PanopticQuality'),
    instance=dict(type='ThingInstanceAP'),
    semantic=dict(type='SemanticIoU', iou_metrics=['mIoU']),
)
best = dict(panoptic='PQ', instance='AP', semantic='mIoU')  # which checkpoint is kept
