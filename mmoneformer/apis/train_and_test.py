"""Training and evaluation as a config describes them; the commands ``train`` and ``test`` call these functions."""

import copy
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.hooks.test_time_aug_hook import build_runner_with_tta
from mmengine.logging import print_log
from mmengine.registry import RUNNERS, init_default_scope
from mmengine.runner import Runner

from mmoneformer.apis.device import trains_on_accelerator, warn_if_slow
from mmoneformer.checkpoints.intact_checkpoint import last_intact_checkpoint
from mmoneformer.checkpoints.safe_config import registered_parts_only, stored_config
from mmoneformer.checkpoints.safe_load import check_weight_file, read_checkpoint
from mmoneformer.config_files import apply_options, find_config, formatted_once
from mmoneformer.datasets.resumable_loading import ignore_sigterm
from mmoneformer.models.semantic_tta import TASK as TTA_TASK
from mmoneformer.registry import METRICS
from mmoneformer.tasks import check_tasks
from mmoneformer.tiling.tiled_model import TiledModel
from mmoneformer.tiling.tiling import Side, Tiling

Options = Mapping[str, Any]
CONFIG_SUFFIXES = ('.py', '.json', '.yaml', '.yml')  # that mmengine reads


def load_config(
    path: str | os.PathLike[str],
    *,
    work_dir: str | None = None,
    cfg_options: Options | None = None,
    launcher: str = 'none',
    strict: bool = False,
) -> Config:
    """Read a config and apply the options of the command line.

    Args:
        path: Config file, name of a config of this package, or checkpoint that contains its config: a file of any
            other suffix, such as .pth.
        work_dir: Folder for logs and checkpoints; default: that of the config, or ``work_dirs/<config name>``.
        cfg_options: Settings to override; keys as in ``model.test_cfg.overlap_thr``.
        launcher: Job launcher that started the processes: 'none', 'pytorch', 'slurm' or 'mpi'.
        strict: Whether an option without effect is an error, as it is for the commands, and not a warning.

    Raises:
        FileNotFoundError: If there is neither a file nor a config of that name.
        ValueError: If the checkpoint is unsafe or damaged, or contains no config; or, if ``strict`` is set, if an
            option has no effect.
    """
    suffix = Path(path).suffix
    is_checkpoint = suffix == '.pth' or (suffix not in CONFIG_SUFFIXES and Path(path).is_file())
    cfg = stored_config(read_checkpoint(path), path) if is_checkpoint else Config.fromfile(find_config(path))
    cfg.launcher = launcher
    apply_options(cfg, cfg_options, strict=strict)
    own_folder = None if is_checkpoint else cfg.get('work_dir')  # a checkpoint has the folder that it was trained in
    cfg.work_dir = work_dir or own_folder or f'work_dirs/{Path(path).stem}'
    return cfg


@formatted_once()
def train(cfg: Config, *, amp: bool = False, resume: str | bool = False) -> Runner:
    """Train a model, with validation if the config has it.

    Args:
        cfg: From ``load_config``; it is not modified.
        amp: Automatic mixed precision: float16, or bfloat16 if ``optim_wrapper.dtype`` is 'bfloat16'. Without a
            GPU or another accelerator that mmengine supports, float16 becomes float32, with a warning.
        resume: Checkpoint to resume from, or True for the last intact one in the work folder, if there is any.

    Returns:
        The runner, after training.

    Raises:
        ConnectionError: If the weights to start from cannot be downloaded.
        FileNotFoundError: If the checkpoint to resume from, or that of ``load_from``, does not exist.
        ValueError: If it is no checkpoint or does not fit the model; if all checkpoints in the work folder are
            damaged, or ``amp`` is set for an optimizer wrapper with
            a precision of its own.
        SystemExit: If SIGTERM stopped the run, after a checkpoint was saved; status 143.
    """
    cfg = copy.deepcopy(cfg)
    if amp:
        _enable_mixed_precision(cfg)
    if _name(cfg.optim_wrapper.type) == 'AmpOptimWrapper':
        _choose_precision(cfg)
    warn_if_slow(cfg.optim_wrapper.get('dtype') or 'float32', torch.device(get_device()))
    checkpoint = last_intact_checkpoint(cfg.work_dir) if resume is True else resume
    if checkpoint:
        cfg.resume, cfg.load_from = True, str(checkpoint)
    elif resume:
        print_log(f'no checkpoint in {cfg.work_dir} to resume from: training from the start', logger='current')
    for loader in (cfg.train_dataloader, cfg.get('val_dataloader') or {}):
        loader.setdefault('worker_init_fn', dict(type=ignore_sigterm.__name__))
    runner = _start(cfg)
    with _named_download(cfg):
        runner.train()
    return runner


@formatted_once()
def evaluate(
    cfg: Config,
    checkpoint: str,
    *,
    tasks: Sequence[str] | None = None,
    tta: bool = False,
    show_dir: str | None = None,
    tile: Side | None = None,
    overlap: int | None = None,
) -> dict[str, float]:
    """Evaluate a checkpoint on the test split.

    Args:
        cfg: From ``load_config``; it is not modified.
        checkpoint: Checkpoint file.
        tasks: Tasks to predict and evaluate; default: those of the config.
        tta: Test-time augmentation of the semantic task: several scales, each also flipped.
        show_dir: Folder for images of the results; default: none are written.
        tile: Side of the tiles in which images are predicted, in pixels, or 'auto', as of ``Tiling``; None for whole
            images.
        overlap: Pixels that neighboring tiles share at least; None for a quarter of their side.

    Returns:
        The metrics, by name.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If it does not fit the model, or has other classes; if the config has no test data, a task is
            unknown, or the config, the tasks or tiles do not fit test-time augmentation.
    """
    if 'test_dataloader' not in cfg:
        raise ValueError(
            'the config has no test data, as that of a converted checkpoint: give a config file, or a name, too'
        )
    if tta and tile is not None:
        raise ValueError('test-time augmentation takes whole images: leave out tile, or tta')
    if tta:
        tasks = _restrict_to_tta(cfg, tasks)
    cfg = copy.deepcopy(cfg) if tasks is None else restrict_tasks(cfg, tasks)
    if show_dir is not None:
        hook = dict(type='mmoneformer.OneFormerVisualizationHook', test_out_dir=show_dir)
        cfg.default_hooks = cfg.get('default_hooks', {}) | dict(visualization=hook)
    if tile is not None:
        _cut_into_tiles(cfg, Tiling(tile, overlap))
    cfg.load_from, cfg.resume = checkpoint, False
    with registered_parts_only() if cfg.filename is None else nullcontext():  # without a file: from a checkpoint
        runner = _start(cfg, build_runner_with_tta if tta or tile is not None else Runner.from_cfg)
        with _named_download(cfg):
            return runner.test()


def _enable_mixed_precision(cfg: Config) -> None:
    wrapper = _name(cfg.optim_wrapper.get('type', 'OptimWrapper'))
    if wrapper not in ('OptimWrapper', 'FiniteOptimWrapper', 'AmpOptimWrapper'):
        raise ValueError(f'--amp does not work with {wrapper}: set optim_wrapper.dtype=bfloat16 instead')
    cfg.optim_wrapper.type = 'AmpOptimWrapper'


def _choose_precision(cfg: Config) -> None:
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
    if tasks is not None and list(tasks) != [TTA_TASK]:
        raise ValueError(f'test-time augmentation is for the {TTA_TASK} task alone, got tasks {list(tasks)}')
    return [TTA_TASK]


def _cut_into_tiles(cfg: Config, tiling: Tiling) -> None:
    """Let tiles be resized, not the images they are cut from; models are wrapped as for test-time augmentation."""
    steps = cfg.test_dataloader.dataset.pipeline
    resizes = [step for step in steps if _name(step.type) == 'Resize']
    cfg.tta_pipeline = [step for step in steps if step not in resizes]
    pipeline = [*resizes, dict(type='mmoneformer.PackOneFormerInputs')]
    cfg.tta_model = dict(type=TiledModel.__name__, tile=tiling.tile, overlap=tiling.overlap, pipeline=pipeline)


def _start(cfg: Config, build: Callable[[Config], Runner] = RUNNERS.build) -> Runner:
    """Build the runner, by default of the type in the config.

    On machines without an accelerator, several processes communicate through gloo, which mmengine does not set up.
    """
    if cfg.launcher == 'pytorch' and not trains_on_accelerator():
        torch.distributed.init_process_group('gloo')
        cfg.model_wrapper_cfg = dict(type='MMDistributedDataParallel', device_ids=None)
    _settle_workers(cfg)
    _check_weights(cfg)
    os.environ['TORCH_FORCE_WEIGHTS_ONLY_LOAD'] = '1'  # mmengine loads with weights_only=False
    return build(cfg)


@contextmanager
def _named_download(cfg: Config) -> Iterator[None]:
    """Name the checkpoint that cannot be downloaded."""
    try:
        yield
    except URLError as error:
        raise ConnectionError(
            f'{cfg.load_from} cannot be downloaded ({error}): download it elsewhere, and give its file instead'
        ) from error


def _settle_workers(cfg: Config) -> None:
    """Remove the settings of worker processes, such as those of the released configs, where there are none."""
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loader = cfg.get(key) or {}
        if not loader.get('num_workers'):
            for setting in ('persistent_workers', 'prefetch_factor'):
                loader.pop(setting, None)


def _check_weights(cfg: Config) -> None:
    """Check the file that the run starts from, and let the runner check what is in it, with any config."""
    if cfg.get('load_from') and '://' not in cfg.load_from and 'strategy' not in cfg:  # some strategies save folders
        check_weight_file(cfg.load_from)
    hooks = [*(cfg.get('default_hooks') or {}).values(), *(cfg.get('custom_hooks') or [])]
    if not any('FineTuningHook' in str(hook and hook.get('type')) for hook in hooks):
        cfg.default_hooks = (cfg.get('default_hooks') or {}) | dict(
            fine_tuning=dict(type='mmoneformer.FineTuningHook')
        )


def restrict_tasks(cfg: Config, tasks: Sequence[str]) -> Config:
    """Return a config that predicts some tasks only, without the metrics of the others.

    Raises:
        ValueError: If there is no task, or an unknown one.
    """
    cfg = copy.deepcopy(cfg)
    cfg.model.test_cfg.tasks = list(check_tasks(tasks))
    init_default_scope(cfg.default_scope)
    evaluators = cfg.test_evaluator if isinstance(cfg.test_evaluator, list) else [cfg.test_evaluator]
    cfg.test_evaluator = [
        evaluator for evaluator in evaluators if getattr(_metric(evaluator.type), 'task', None) in (*tasks, None)
    ]
    return cfg


def _metric(name: str | type) -> type:
    if isinstance(name, type):
        return name
    with METRICS.switch_scope_and_registry(None) as registry:
        return registry.get(name)


def _name(kind: str | type) -> str:
    """Name of a type in a config, which may be a class, or have the prefix of a scope."""
    return kind.__name__ if isinstance(kind, type) else kind.rpartition('.')[2]
