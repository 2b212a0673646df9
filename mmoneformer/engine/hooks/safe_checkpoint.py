"""Checkpoints that survive being killed at any time, and one more when SIGTERM asks to stop."""

import signal
import sys
from functools import partial
from threading import current_thread, main_thread
from types import FrameType
from typing import Any

import torch
from mmengine.dist import all_reduce, barrier, is_distributed
from mmengine.hooks import CheckpointHook
from mmengine.runner import BaseLoop, Runner
from torch import nn

from mmoneformer.checkpoints.intact_checkpoint import AtomicFileBackend
from mmoneformer.registry import HOOKS


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """mmengine's hook, which also saves when SIGTERM asks the run to stop; each checkpoint is written atomically.

    After SIGTERM, to one process or to all, all processes end after the same iteration, when the checkpoint is saved,
    with exit status 143: "terminated", where 0 would tell a scheduler that the training is complete. Further SIGTERMs
    are ignored, because launchers pass on those that their processes got, too. A validation is interrupted, and not
    repeated on resuming. The previous handler of SIGTERM is restored when the training ends, also by an exception. A
    training in another thread than the main one, as Ray's, leaves SIGTERM to the program.

    Args:
        **kwargs: As in ``mmengine.hooks.CheckpointHook``. For remote storage set ``backend_args``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**(dict(backend_args=dict(backend=AtomicFileBackend.__name__)) | kwargs))
        self._stop_requested = False
        self._is_training = False

    def before_run(self, runner: Runner) -> None:
        """Make the training loop handle SIGTERM while it runs; mmengine calls no hook when an exception ends it."""
        super().before_run(runner)
        loop = runner._train_loop
        if isinstance(loop, BaseLoop):
            loop.run = partial(self._run, loop)

    def before_train(self, runner: Runner) -> None:
        """Create the process group."""
        super().before_train(runner)
        # one of its own, on the CPU: agreeing on whether to stop must not wait for the GPUs
        self._group = torch.distributed.new_group(backend='gloo') if is_distributed() else None

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Save a checkpoint if one is due, or if the run is to stop, and then end it."""
        if self._any_stop_requested():
            self._save_and_exit(runner, runner.iter + 1)
        super().after_train_iter(runner, batch_idx, data_batch, outputs)

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Stop within a validation, too, which may take longer than a scheduler waits."""
        if self._is_training and self._any_stop_requested():
            self._save_and_exit(runner, runner.iter)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float]) -> None:
        """Keep the best checkpoint of a training; a validation alone saves none."""
        if self._is_training:
            super().after_val_epoch(runner, metrics)

    def _run(self, loop: BaseLoop) -> nn.Module:
        handles_signals = current_thread() is main_thread()  # Python lets no other thread set handlers
        previous_handler = signal.signal(signal.SIGTERM, self._request_stop) if handles_signals else None
        self._is_training = True
        try:
            return type(loop).run(loop)
        finally:
            self._is_training = False
            if handles_signals:
                signal.signal(signal.SIGTERM, previous_handler)

    def _request_stop(self, signal_number: int, frame: FrameType | None) -> None:
        self._stop_requested = True

    def _any_stop_requested(self) -> bool:
        """Whether any process got the signal: it reaches them at different times, if at all."""
        requested = torch.tensor(int(self._stop_requested))
        all_reduce(requested, op='max', group=self._group)
        return bool(requested)

    def _save_and_exit(self, runner: Runner, iterations: int) -> None:
        # within an epoch, the checkpoint of the last complete one is overwritten
        step = runner.epoch if self.by_epoch else iterations
        self._save_checkpoint_with_step(runner, step, dict(epoch=runner.epoch, iter=iterations))
        barrier(self._group)  # a launcher may kill the others when one has ended
        runner.logger.warning(f'stopped by SIGTERM: {self.last_ckpt} is saved, continue with --resume')
        sys.exit(128 + signal.SIGTERM)
