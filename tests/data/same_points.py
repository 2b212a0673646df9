"""Random points that do not depend on how a batch is shared among processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@contextmanager
def same_points_for_all() -> Iterator[None]:
    """Compare every image and every mask at the same random points, whoever draws them."""
    rand = torch.rand

    def drawn_once(count, *size, device=None):
        """The same in each call, as the number of calls depends on the number of masks."""
        return rand(1, *size, generator=torch.Generator().manual_seed(0)).expand(count, *size).to(device)

    with patch.object(torch, 'rand', drawn_once):
        yield


@HOOKS.register_module()
class SamePointsHook(Hook):
    """The same for each iteration of a training, whether it is resumed or not."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.points = same_points_for_all()
        self.points.__enter__()

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.points.__exit__(None, None, None)
