"""Train and evaluate what a config describes; the tools are command lines of these functions."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks.test_time_aug_hook import build_runner_with_tta
from mmengine.logging import print_log
from mmengine.registry import RUNNERS, init_default_scope
from mmengine.runner import Runner

from mmoneformer.apis.device import trains_on_accelerator
from mmoneformer.checkpoints.intact_checkpoint import last_intact_checkpoint
from mmoneformer.checkpoints.registered_parts import registered_parts_only
from mmoneformer.checkpoints.safe_config import stored_config
from mmoneformer.checkpoints.safe_load import read_checkpoint
from mmoneformer.datasets import ignore_sigterm
from mmoneformer.registry import METRICS
from mmoneformer.tasks import check_tasks

Options = Mapping[str, Any]


def load_config(
    path: str | os.PathLike[str],
    *,
    work_dir: str | None = None,
    cfg_options: Options | None = None,
    launcher: str = 'none',
) -> Config:
    """Read a config and settle what the command line may change.

    Args:
        path: Config file, or a checkpoint (.pth) that carries its config.
        work_dir: Folder of logs and checkpoints; by default the config's own, or ``work_dirs/<config name>``.
        cfg_options: Settings to change; keys with dots reach inside.
        launcher: What starts the processes: 'none', 'pytorch', 'slurm' or 'mpi'.
    """
    is_checkpoint = str(path).endswith('.pth')
    cfg = stored_config(read_checkpoint(path), path) if is_checkpoint else Config.fromfile(path)
    cfg.launcher = launcher
    cfg.merge_from_dict(dict(cfg_options or {}))
    own_folder = None if is_checkpoint else cfg.get('work_dir')  # the one it was trained in is not ours
    cfg.work_dir = work_dir or own_folder or f'work_dirs/{Path(path).stem}'
    return cfg


def train(cfg: Config, *, amp: bool = False, resume: str | bool = False) -> Runner:
    """Train a model, with the validation that the config asks for.

    Args:
        cfg: From ``load_config``.
        amp: Automatic mixed precision: float16, or bfloat16 if ``optim_wrapper.dtype`` is that. Without a GPU or
            another accelerator that mmengine supports, float16 becomes float32 with a warning.
        resume: A checkpoint to go on from, or True for the last whole one in the work folder, if there is one.

    Raises:
        ValueError: If all checkpoints in the work folder are damaged, or ``amp`` is asked of an optimizer wrapper that
            brings its own precision.
        SystemExit: If SIGTERM stopped the run: status 143, behind a checkpoint.
    """
    if amp:
        _ask_for_mixed_precision(cfg)
    if cfg.optim_wrapper.type == 'AmpOptimWrapper':
        _settle_precision(cfg)
    checkpoint = last_intact_checkpoint(cfg.work_dir) if resume is True else resume
    if checkpoint:
        cfg.resume, cfg.load_from = True, checkpoint
    elif resume:
        print_log(f'no checkpoint in {cfg.work_dir} yet: this is the beginning', logger='current')
    for loader in (cfg.train_dataloader, cfg.get('val_dataloader') or {}):
        loader.setdefault('worker_init_fn', dict(type=ignore_sigterm.__name__))
    runner = _start(cfg)
    runner.train()
    return runner


def evaluate(
    cfg: Config,
    checkpoint: str,
    *,
    tasks: Sequence[str] | None = None,
    tta: bool = False,
    show_dir: str | None = None,
) -> dict[str, float]:
    """Evaluate a checkpoint on the test split.

    Args:
        cfg: From ``load_config``.
        checkpoint: Weights.
        tasks: Which results to predict and measure; by default all that the config names.
        tta: Test-time augmentation: the semantic task from several scales, each also flipped.
        show_dir: Folder for pictures of the results.

    Returns:
        The metrics.

    Raises:
        ValueError: If the config names no test data, a task is unknown, or the config or the tasks do not allow
            test-time augmentation.
    """
    if 'test_dataloader' not in cfg:
        raise ValueError(
            'the config names no test data: give a config file, as converted checkpoints carry the model alone'
        )
    if tta:
        tasks = _restrict_to_tta(cfg, tasks)
    if tasks is not None:
        restrict_tasks(cfg, tasks)
    if show_dir is not None:
        cfg.custom_hooks = [*cfg.get('custom_hooks', []), dict(type='ResultPicturesHook', out_dir=show_dir)]
    cfg.load_from, cfg.resume = checkpoint, False
    with registered_parts_only() if cfg.filename is None else nullcontext():  # without a file: from a checkpoint
        return _start(cfg, build_runner_with_tta if tta else Runner.from_cfg).test()


def _ask_for_mixed_precision(cfg: Config) -> None:
    wrapper = cfg.optim_wrapper.type
    if wrapper not in ('OptimWrapper', 'FiniteOptimWrapper', 'AmpOptimWrapper'):
        raise ValueError(f'--amp does not fit {wrapper}: leave it out, and set optim_wrapper.dtype=bfloat16 instead')
    cfg.optim_wrapper.type = 'AmpOptimWrapper'


def _settle_precision(cfg: Config) -> None:
    """Choose the optimizer wrapper: float16 needs an accelerator and a gradient scaler, bfloat16 needs neither."""
    settings = cfg.optim_wrapper
    if settings.get('dtype') != 'bfloat16':
        if trains_on_accelerator():
            return
        print_log(
            'no GPU: training runs in float32, not float16; optim_wrapper.dtype=bfloat16 works without one',
            logger='current',
            level=logging.WARNING,
        )
        settings.pop('dtype', None)
    settings.type = 'FiniteOptimWrapper'
    settings.pop('loss_scale', None)


def _restrict_to_tta(cfg: Config, tasks: Sequence[str] | None) -> list[str]:
    if 'tta_pipeline' not in cfg:
        raise ValueError('this config has no tta_pipeline: --tta is for ADE20K, Cityscapes and Mapillary')
    if tasks is not None and list(tasks) != ['semantic']:
        raise ValueError(f'test-time augmentation is of the semantic task alone, got tasks {list(tasks)}')
    return ['semantic']


def _start(cfg: Config, build: Callable[[Config], Runner] = RUNNERS.build) -> Runner:
    """Build the runner, by default of the type that the config names.

    On machines without an accelerator, several processes communicate through gloo, which mmengine does not set up.
    """
    if cfg.launcher == 'pytorch' and not trains_on_accelerator():
        torch.distributed.init_process_group('gloo')
        cfg.model_wrapper_cfg = dict(type='MMDistributedDataParallel', device_ids=None)
    os.environ['TORCH_FORCE_WEIGHTS_ONLY_LOAD'] = '1'  # mmengine asks torch for less
    return build(cfg)


def restrict_tasks(cfg: Config, tasks: Sequence[str]) -> None:
    """Predict only some tasks, and drop the metrics of the others."""
    cfg.model.test_cfg.tasks = list(check_tasks(tasks))
    init_default_scope(cfg.default_scope)
    evaluators = cfg.test_evaluator if isinstance(cfg.test_evaluator, list) else [cfg.test_evaluator]
    cfg.test_evaluator = [
        evaluator for evaluator in evaluators if getattr(_metric(evaluator.type), 'task', None) in (*tasks, None)
    ]


def _metric(name: str) -> type:
    with METRICS.switch_scope_and_registry(None) as registry:
        return registry.get(name)
