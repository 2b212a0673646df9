"""Checkpoints that a run can be killed at any moment with, and one more when it is asked to stop."""

import signal
import sys
from types import FrameType
from typing import Any

import torch
from mmengine.dist import all_reduce, barrier, is_distributed
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from mmoneformer.checkpoints.intact_checkpoint import AtomicFileBackend
from mmoneformer.registry import HOOKS


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """mmengine's hook, which writes a checkpoint whole or not at all, and saves when SIGTERM asks the run to stop.

    On SIGTERM, to one process or to all, every process ends behind the same iteration, with exit status 143 once the
    checkpoint is saved: it says "stopped from outside", where 0 would say to a scheduler that the training is
    finished. Later signals of the kind are ignored, as launchers pass on what their processes got as well. A
    validation is broken off, and not taken up again.

    Args:
        **kwargs: As of ``mmengine.hooks.CheckpointHook``. For remote storage give ``backend_args``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**(dict(backend_args=dict(backend=AtomicFileBackend.__name__)) | kwargs))
        self._asked_to_stop = False
        self._is_training = False

    def before_train(self, runner: Runner) -> None:
        """Listen to SIGTERM."""
        super().before_train(runner)
        # of its own, on the CPU: asking each other must not wait for the GPUs
        self._group = torch.distributed.new_group(backend='gloo') if is_distributed() else None
        self._former_handler = signal.signal(signal.SIGTERM, self._remember)
        self._is_training = True

    def after_train(self, runner: Runner) -> None:
        """Listen no more."""
        self._end_listening()
        super().after_train(runner)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Save what is due, or end the run if it is asked to."""
        if self._all_stop():
            self._save_and_end(runner, runner.iter + 1)
        super().after_train_iter(runner, batch_idx, data_batch, outputs)

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """End the run if it is asked to; a validation may last longer than a scheduler waits."""
        if self._is_training and self._all_stop():
            self._save_and_end(runner, runner.iter)

    def _end_listening(self) -> None:
        self._is_training = False
        signal.signal(signal.SIGTERM, self._former_handler)

    def _remember(self, signal_number: int, frame: FrameType | None) -> None:
        self._asked_to_stop = True

    def _all_stop(self) -> bool:
        """Whether any process is asked to stop: the signal reaches them at different moments, if at all."""
        asked = torch.tensor(int(self._asked_to_stop))
        all_reduce(asked, op='max', group=self._group)
        return bool(asked)

    def _save_and_end(self, runner: Runner, iterations: int) -> None:
        # in the middle of an epoch, the file of the last whole one is brought up to date
        step = runner.epoch if self.by_epoch else iterations
        self._save_checkpoint_with_step(runner, step, dict(epoch=runner.epoch, iter=iterations))
        barrier(self._group)  # a launcher may kill the others when one has ended
        self._end_listening()
        runner.logger.warning(f'stopped by SIGTERM: {self.last_ckpt} is saved, --resume goes on from it')
        sys.exit(128 + signal.SIGTERM)
