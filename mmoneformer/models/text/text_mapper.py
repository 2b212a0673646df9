"""Text mapper: texts of the targets to text queries (paper section 3.3). Only training needs it."""

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

    Shapes: B images, N_text texts of an image, N_ctx context vectors, Q = N_text + N_ctx queries, C width.

    Args:
        num_queries: Q, more than N_ctx.
        out_channels: C.
        encoder: Config of the text encoder.
        num_context: N_ctx.

    Raises:
        ValueError: If the context vectors leave no query for a text.
    """

    def __init__(self, *, num_queries: int, out_channels: int, encoder: dict, num_context: int = 16) -> None:
        super().__init__()
        if num_queries <= num_context:
            raise ValueError(
                f'num_queries={num_queries} leaves no text beside num_context={num_context}: use more queries'
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
        """Encode each distinct text once, however often it occurs.

        Args:
            texts: N_text texts for each of the B images; ``pad_texts`` makes them so many.

        Returns:
            Text queries, [B, Q, C].

        Raises:
            ValueError: If an image has not N_text texts.
        """
        self._check_counts(texts)
        distinct = list(dict.fromkeys(chain.from_iterable(texts)))
        encoded = self.projector(self.encoder(self.tokenizer(distinct)))  # [distinct, C]
        row = {text: index for index, text in enumerate(distinct)}
        rows = torch.tensor([[row[text] for text in image] for image in texts], device=encoded.device)
        context = self.context.expand(len(texts), -1, -1)
        return torch.cat([encoded[rows], context], dim=1)

    def _check_counts(self, texts: Sequence[Sequence[str]]) -> None:
        wrong = [len(image) for image in texts if len(image) != self.num_texts]
        if wrong:
            raise ValueError(
                f'each image needs {self.num_texts} texts (queries minus context vectors), got {wrong[0]}: '
                'pad_texts() pads or cuts them'
            )


def pad_texts(texts: Sequence[str], *, filler: str, count: int) -> list[str]:
    """Make the texts of an image's targets as many as the text mapper takes.

    Args:
        texts: Texts of the targets, in their order. Of more than ``count`` the first ones are kept.
        filler: The task's text for a query that has no target.
        count: How many texts there shall be.
    """
    kept = list(texts[:count])
    return kept + [filler] * (count - len(kept))
