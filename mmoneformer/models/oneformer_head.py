"""The network after the backbone: pixels -> task tokens -> queries -> masks (paper section 3)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmoneformer.models.masked_decoder import MaskedDecoder, PredictionHead, QueryPredictions, mask_logits
from mmoneformer.models.query_initializer import QueryInitializer
from mmoneformer.models.task_token import TaskToken
from mmoneformer.models.text.text_mapper import pad_texts
from mmoneformer.registry import MODELS
from mmoneformer.structures import Targets
from mmoneformer.tasks import TASKS

Config = dict[str, Any]


class HeadOutput(NamedTuple):
    """Output of the head for T tasks of B images.

    Attributes:
        initial_queries: Output of the query initializer, [B, T, Q, C].
        predictions: Predictions from the initial queries, and after each decoder layer.
        mask_features: Output of the pixel decoder, [B, C, H/4, W/4].
    """

    initial_queries: Tensor
    predictions: list[QueryPredictions]
    mask_features: Tensor

    def of_task(self, index: int) -> tuple[Tensor, Tensor]:
        """Class logits [B, Q, K + 1] and mask logits [B, Q, H/4, W/4] of one task, from the last layer."""
        class_logits, embeddings = (part[:, index, None] for part in self.predictions[-1])
        return class_logits.squeeze(1), mask_logits(embeddings, self.mask_features).squeeze(1)


@MODELS.register_module()
class OneFormerHead(nn.Module):
    """Predicts classes and masks for one or more tasks.

    Shapes: B images, T tasks, Q queries, C width, K classes, H x W pixels of the padded input.

    Args:
        num_classes: K.
        num_queries: Q.
        channels: C.
        pixel_decoder: Config of the pixel decoder; C is passed as ``channels``.
        query_initializer: Arguments of ``QueryInitializer`` that differ from its defaults.
        masked_decoder: Arguments of ``MaskedDecoder`` that differ from its defaults.
        text_mapper: Config of the text mapper; Q and C are passed as ``num_queries`` and ``out_channels``. Only
            training needs it.
        set_loss: Config of the loss of classes and masks; ``MaskSetLoss`` by default.
        contrastive_loss: Config of the loss between queries and texts; ``QueryTextContrastiveLoss`` by default.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        num_queries: int,
        channels: int = 256,
        pixel_decoder: Config,
        query_initializer: Config | None = None,
        masked_decoder: Config | None = None,
        text_mapper: Config | None = None,
        set_loss: Config | None = None,
        contrastive_loss: Config | None = None,
    ) -> None:
        super().__init__()
        self.num_queries = num_queries
        self.pixel_decoder = MODELS.build(pixel_decoder, default_args=dict(channels=channels))
        self.task_token = TaskToken(channels)
        self.query_embed = nn.Parameter(torch.randn(num_queries, channels))
        self.query_initializer = QueryInitializer(channels, **(query_initializer or {}))
        self.masked_decoder = MaskedDecoder(channels, **(masked_decoder or {}))
        self.prediction = PredictionHead(channels, num_classes=num_classes)
        widths = dict(num_queries=num_queries, out_channels=channels)
        self.text_mapper = None if text_mapper is None else MODELS.build(text_mapper, default_args=widths)
        self.set_loss = MODELS.build(set_loss or dict(type='mmoneformer.MaskSetLoss'))
        self.contrastive_loss = MODELS.build(contrastive_loss or dict(type='mmoneformer.QueryTextContrastiveLoss'))

    def no_weight_decay(self) -> set[str]:
        """Name the parameters without weight decay (timm's convention)."""
        return {'query_embed'}

    def forward(
        self, features: Sequence[Tensor], tasks: Sequence[Sequence[str]], num_layers: int | None = None
    ) -> HeadOutput:
        """Predict classes and masks for each task of each image.

        Args:
            features: Backbone maps of strides 4, 8, 16, 32, each [B, C_i, H_i, W_i].
            tasks: Names of T tasks for each of the B images.
            num_layers: Layers of the masked decoder that run, from the first; None for all.
        """
        tokens = self.task_token([task for image in tasks for task in image])
        return self.predict(features, tokens.unflatten(0, (len(tasks), -1)), num_layers)

    def predict(self, features: Sequence[Tensor], task_tokens: Tensor, num_layers: int | None = None) -> HeadOutput:
        """Predict classes and masks for each task token of each image.

        Args:
            features: Backbone maps of strides 4, 8, 16, 32, each [B, C_i, H_i, W_i].
            task_tokens: Before the norm, [B, T, C].
            num_layers: As in ``forward``.
        """
        pixels = self.pixel_decoder(features)  # once per image, for all tasks
        task_tokens = self.prediction.norm(task_tokens)  # the predictions use this norm, too
        queries = self.query_initializer(task_tokens, self.query_embed, pixels.mask_features)  # [B, T, Q, C]
        predictions = self.masked_decoder(queries, self.query_embed, pixels, self.prediction, num_layers)
        return HeadOutput(queries, predictions, pixels.mask_features)

    def loss(
        self,
        features: Sequence[Tensor],
        targets: Sequence[Targets],
        padded_size: tuple[int, int],
    ) -> dict[str, Tensor]:
        """Compute the weighted losses of a batch: the set loss, and the query-text contrastive loss.

        Args:
            features: Backbone maps of strides 4, 8, 16, 32, each [B, C_i, H_i, W_i].
            targets: Targets of each of the B images.
            padded_size: H and W, in pixels.

        Returns:
            The losses of ``set_loss``, and ``loss_contrastive``.

        Raises:
            RuntimeError: If the model was built without a text mapper.
        """
        if self.text_mapper is None:
            raise RuntimeError('training needs panoptic_head.text_mapper, which is None in this config')
        output = self(features, [[image.task] for image in targets])
        losses = self.set_loss(output.predictions, output.mask_features, targets, padded_size)
        padded_texts = [
            pad_texts(image.texts, filler=TASKS[image.task].filler, count=self.text_mapper.num_texts)
            for image in targets
        ]
        text_queries = self.text_mapper(padded_texts)  # [B, Q, C]
        losses['loss_contrastive'] = self.contrastive_loss(output.initial_queries.squeeze(1), text_queries)
        return losses
