"""Test-time augmentation of the semantic task: several scales, each also flipped, as in the authors' evaluation."""

from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.structures import PixelData
from torch import Tensor

from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.masks.tiles import MaskTiles
from mmoneformer.models.oneformer import groups_of_a_size
from mmoneformer.models.post_process import semantic_scores
from mmoneformer.registry import MODELS

TASK = 'semantic'


@MODELS.register_module()
class SemanticTTA(BaseTTAModel):
    """Sums the class scores of an image over its views, and predicts the class with the highest score at each pixel.

    mmengine's ``build_runner_with_tta``, and ``test.py --tta`` of mmdet and mmseg, wrap the model in it. Views are
    computed one at a time, so that memory holds the scores of the batch and one view.

    Args:
        module: A ``OneFormer``, its config, or its wrapper for distributed use.
        data_preprocessor: Replaces that of the model's config.
    """

    def merge_preds(self, data_samples_list: Any) -> list[DetDataSample]:
        """Not used: ``test_step`` merges scores, of which a prediction has the highest alone."""
        raise NotImplementedError('SemanticTTA merges scores in test_step')

    @torch.no_grad()
    def test_step(self, data: dict[str, Any]) -> list[DetDataSample]:
        """Predict a batch of B images.

        Args:
            data: ``inputs`` and ``data_samples`` of ``TestTimeAug`` after collation: for each view a list of the B
                images, uint8 [3, H, W], and a list of their data samples.

        Returns:
            The data samples of the first view, with ``pred_sem_seg``.

        Raises:
            ValueError: As ``MaskGeometry.of``.
        """
        model: Any = self.module.module if is_model_wrapper(self.module) else self.module
        results = data['data_samples'][0]
        totals: list[Any] = [0.0] * len(results)
        token = model.test_cfg.tokens.get(TASK, TASK)
        for view in zip(data['inputs'], data['data_samples'], strict=True):
            batch = model.data_preprocessor(dict(zip(('inputs', 'data_samples'), view, strict=True)))
            for indices, inputs in groups_of_a_size(batch['inputs'], batch['data_samples']):
                logits = model(inputs, mode='tensor', tasks=[token])[token]
                for index, class_logits, mask_logits in zip(indices, *logits, strict=True):
                    totals[index] += _scores(class_logits, mask_logits, batch['data_samples'][index], inputs)
        for sample, total in zip(results, totals, strict=True):
            labels = total.argmax(0, keepdim=True)
            sample.pred_sem_seg = PixelData(sem_seg=labels, data=labels)
            sample.set_metainfo(dict(task_tokens={TASK: token}))
        return results


def _scores(class_logits: Tensor, mask_logits: Tensor, sample: DetDataSample, inputs: Tensor) -> Tensor:
    """Class scores at the size of the original image from one view, [K, H, W]."""
    geometry = MaskGeometry.of(sample, inputs)
    scores = class_logits.new_empty(class_logits.shape[1] - 1, *geometry.original, dtype=torch.float32)
    for _, (rows, columns), _, logits in MaskTiles(mask_logits, geometry).read_all():
        scores[:, rows, columns] = semantic_scores(class_logits.float(), logits)
    return scores
