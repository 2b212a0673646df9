"""The head of mmdet's Mask2Former in place of OneFormer's, with the same data, backbone and results."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from torch import Tensor, nn

from benchmarking.mask2former import R50, choose_attention, load_config
from mmoneformer.registry import MODELS
from mmoneformer.structures import Targets


class Mask2FormerOutput(NamedTuple):
    """Logits of each layer, which are those of whatever task the head was trained for."""

    class_logits: list[Tensor]
    mask_logits: list[Tensor]

    def of_task(self, index: int) -> tuple[Tensor, Tensor]:
        """Class logits [B, Q, K + 1] and mask logits [B, Q, H/4, W/4] of the last layer."""
        return self.class_logits[-1], self.mask_logits[-1]


@MODELS.register_module()
class Mask2FormerHead(nn.Module):
    """mmdet's head with the interface of ``OneFormerHead``, whose arguments it takes where both have them.

    Args:
        num_classes: K.
        num_queries: Q.
        channels: Of the head.
        pixel_decoder: ``in_channels``, ``num_layers`` and ``feedforward_channels``.
        masked_decoder: ``num_layers`` and ``feedforward_channels``.
        num_points: Points of the losses.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        num_queries: int,
        channels: int,
        pixel_decoder: dict[str, Any],
        masked_decoder: dict[str, Any],
        num_points: int,
    ) -> None:
        super().__init__()
        self.num_queries = num_queries
        choose_attention()
        cfg = load_config(R50).model
        head = cfg.panoptic_head
        _narrow(head, channels)
        head.update(num_things_classes=num_classes, num_stuff_classes=0, num_queries=num_queries)
        head.in_channels = list(pixel_decoder['in_channels'])
        head.pixel_decoder.encoder.num_layers = pixel_decoder['num_layers']
        head.pixel_decoder.encoder.layer_cfg.ffn_cfg.feedforward_channels = pixel_decoder['feedforward_channels']
        head.transformer_decoder.num_layers = masked_decoder['num_layers']
        head.transformer_decoder.layer_cfg.ffn_cfg.feedforward_channels = masked_decoder['feedforward_channels']
        head.loss_cls.class_weight = [1.0] * num_classes + [head.loss_cls.class_weight[-1]]
        head.train_cfg = cfg.train_cfg | {'num_points': num_points}
        with DefaultScope.overwrite_default_scope('mmdet'):
            self.head = MODELS.build(head)

    @property
    def masked_decoder(self) -> nn.Module:
        """Has the ``layers``, of which all run."""
        return self.head.transformer_decoder

    def init_weights(self) -> None:
        """Initialize the weights as mmdet does."""
        self.head.init_weights()

    def forward(
        self, features: Sequence[Tensor], tasks: Sequence[Sequence[str]], num_layers: int | None = None
    ) -> Mask2FormerOutput:
        """Predict classes and masks, whatever the tasks."""
        return Mask2FormerOutput(*self.head(features, []))

    def loss(
        self, features: Sequence[Tensor], targets: Sequence[Targets], padded_size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """Compute mmdet's losses; images are not padded."""
        output = self.head(features, [])
        instances = [InstanceData(labels=image.labels, masks=image.masks.dense().long()) for image in targets]
        return self.head.loss_by_feat(*output, instances, [{'img_shape': padded_size}] * len(targets))


def _narrow(settings: ConfigDict, channels: int) -> None:
    """Write the width of the head wherever their config has it."""
    widths = {'feat_channels': channels, 'out_channels': channels, 'embed_dims': channels, 'num_feats': channels // 2}
    settings.update({key: width for key, width in widths.items() if key in settings})
    for value in settings.values():
        if isinstance(value, ConfigDict):
            _narrow(value, channels)
