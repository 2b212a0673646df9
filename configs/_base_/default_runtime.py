default_scope = 'mmoneformer'
log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=0)

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='SafeCheckpointHook', by_epoch=False, interval=5000, max_keep_ckpts=2, save_best='PQ', rule='greater'
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    exact_resume=dict(type='ExactResumeHook'),
    fine_tuning=dict(type='FineTuningHook'),
    check_finite=dict(type='CheckFiniteHook'),
    check_validation=dict(type='CheckValidationHook'),
    visualization=dict(type='OneFormerVisualizationHook'),
)
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=False)
vis_backends = [dict(type='LocalVisBackend')]  # and maybe dict(type='TensorboardVisBackend'): docs/watching.md
visualizer = dict(type='OneFormerVisualizer', vis_backends=vis_backends)  # named by the runner: one each run
