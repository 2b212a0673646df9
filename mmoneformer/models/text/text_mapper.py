"""The text mapper: text queries from the texts of the targets (paper section 3.3), for training only."""

from collections.abc import Sequence
from itertools import chain

import torch
from torch import Tensor, nn

from mmoneformer.models.layers.feed_forward import MLP
from mmoneformer.models.text.tokenizer import Tokenizer
from mmoneformer.registry import MODELS


@MODELS.register_module()
class TextMapper(nn.Module):
    """Maps each image's texts to text queries, and appends learned context vectors.

    Shapes: B images, N_text texts of an image, N_ctx context vectors, Q = N_text + N_ctx queries, C channels.

    Args:
        num_queries: Q, more than N_ctx.
        out_channels: C.
        encoder: Config of the text encoder.
        num_context: N_ctx.

    Raises:
        ValueError: If ``num_queries`` is not greater than ``num_context``.
    """

    def __init__(self, *, num_queries: int, out_channels: int, encoder: dict, num_context: int = 16) -> None:
        super().__init__()
        if num_queries <= num_context:
            raise ValueError(
                f'num_queries={num_queries} must be greater than num_context={num_context}: use more queries'
            )
        self.num_texts = num_queries - num_context
        self.tokenizer = Tokenizer()
        self.encoder = MODELS.build(encoder)
        self.projector = MLP(self.encoder.width, out_channels, out_channels, num_layers=2)
        self.context = nn.Parameter(torch.randn(num_context, out_channels))

    def no_weight_decay(self) -> set[str]:
        """Name the parameters without weight decay (timm's convention)."""
        return {'context'}

    def forward(self, texts: Sequence[Sequence[str]]) -> Tensor:
        """Encode the texts; equal ones are encoded once.

        Args:
            texts: N_text texts for each of the B images, see ``pad_texts``.

        Returns:
            Text queries, [B, Q, C].

        Raises:
            ValueError: If the number of an image's texts is not N_text.
        """
        self._check_counts(texts)
        distinct = list(dict.fromkeys(chain.from_iterable(texts)))
        encoded = self.projector(self.encoder(self.tokenizer(distinct)))  # [distinct, C]
        row = {text: index for index, text in enumerate(distinct)}
        rows = torch.tensor([[row[text] for text in image] for image in texts])
        context = self.context.expand(len(texts), -1, -1)
        return torch.cat([encoded[rows.to(encoded.device, non_blocking=True)], context], dim=1)

    def _check_counts(self, texts: Sequence[Sequence[str]]) -> None:
        wrong = [len(image) for image in texts if len(image) != self.num_texts]
        if wrong:
            raise ValueError(
                f'each image needs {self.num_texts} texts (queries minus context vectors), got {wrong[0]}: '
                'pad or cut them with pad_texts()'
            )


def pad_texts(texts: Sequence[str], *, filler: str, count: int) -> list[str]:
    """Pad or cut the texts of an image to the number that the text mapper takes.

    Args:
        texts: Texts of the targets, in order; if there are more than ``count``, the first ones are kept.
        filler: The task's text for queries without a target.
        count: Number of texts to return.
    """
    kept = list(texts[:count])
    return kept + [filler] * (count - len(kept))
