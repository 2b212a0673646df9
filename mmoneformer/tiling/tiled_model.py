"""A model that predicts the images of a test loop tile by tile."""

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.transforms import Compose
from mmdet.structures import DetDataSample
from mmengine.model import BaseModel, is_model_wrapper
from torch import nn

from mmoneformer.registry import MODELS
from mmoneformer.results.as_sample import add_results
from mmoneformer.tiling.merging import predict_tiles
from mmoneformer.tiling.network import ModelOfTiles
from mmoneformer.tiling.picture import ArrayPicture
from mmoneformer.tiling.tiling import InputSize, Side, Tiling


@MODELS.register_module()
class TiledModel(BaseModel):
    """Wraps a ``OneFormer``, as mmengine's ``build_runner_with_tta`` wraps models.

    Args:
        module: The model, or its wrapper for distributed use.
        tile: As of ``Tiling``.
        overlap: As of ``Tiling``.
        context: As of ``Tiling``.
        pipeline: Transforms that an image goes through, and each tile instead, if there are several.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        tile: Side,
        overlap: int | None = None,
        context: bool = False,
        pipeline: Sequence[dict[str, Any]],
    ) -> None:
        super().__init__()
        self.module = module
        self._tiling = Tiling(tile, overlap, context)
        self._pipeline = Compose(pipeline)

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = 'tensor') -> Any:
        """Not used: ``test_step`` predicts."""
        raise NotImplementedError('TiledModel predicts in test_step')

    @torch.no_grad()
    def test_step(self, data: dict[str, Any]) -> list[DetDataSample]:
        """Predict images.

        Args:
            data: ``inputs``, images as they are loaded, uint8 [3, H, W], and ``data_samples``.

        Returns:
            The data samples, with the results of the tasks of ``test_cfg``.
        """
        model: Any = self.module.module if is_model_wrapper(self.module) else self.module
        network, input_size = ModelOfTiles(model, self._pipeline), InputSize.of(self._pipeline)
        tasks = model.test_cfg.tasks
        for pixels, sample in zip(data['inputs'], data['data_samples'], strict=True):
            picture = ArrayPicture(pixels.permute(1, 2, 0).cpu().numpy())
            results = predict_tiles(
                picture,
                self._tiling.grid(picture.size, input_size),
                network,
                tasks=tasks,
                metainfo=model.dataset_meta,
                context_side=input_size.longest if self._tiling.context else None,
            )
            add_results(sample, results, model.dataset_meta)
            sample.set_metainfo(dict(task_tokens={task: model.test_cfg.tokens.get(task, task) for task in tasks}))
        return data['data_samples']
