"""Text encoder of the text mapper (paper section 3.3): a small CLIP transformer."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmoneformer.models.text.tokenizer import CONTEXT_LENGTH, VOCABULARY_SIZE
from mmoneformer.registry import MODELS

HEAD_CHANNELS = 64


@MODELS.register_module()
class TextEncoder(nn.Module):
    """Encodes each text as a vector.

    Shapes: N texts, S tokens.

    Args:
        width: Channels; there is an attention head for each 64 of them, and at least one.
        num_layers: Number of transformer blocks.

    Raises:
        ValueError: If the heads cannot share the channels equally.
    """

    def __init__(self, *, width: int = 256, num_layers: int = 6) -> None:
        super().__init__()
        if width < 1 or width % num_heads(width):
            raise ValueError(
                f'width must be a multiple of its number of heads, one for each {HEAD_CHANNELS} channels, got {width}'
            )
        self.width = width
        self.token_embedding = nn.Embedding(VOCABULARY_SIZE, width)
        self.position_embedding = nn.Parameter(torch.empty(CONTEXT_LENGTH, width))
        self.blocks = nn.Sequential(*(TextBlock(width, depth=num_layers) for _ in range(num_layers)))
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        nn.init.normal_(self.position_embedding, std=0.01)

    def no_weight_decay(self) -> set[str]:
        """Name the parameters without weight decay (timm's convention)."""
        return {'position_embedding'}

    def forward(self, ids: Tensor) -> Tensor:
        """Return the output at the end token of each text.

        Attention is causal, so tokens after the last end token of the batch are left out; the result is the same.

        Args:
            ids: Token ids, int64 [N, S], S <= 77. If they are on the CPU, a GPU need not be synchronized.

        Returns:
            [N, width].
        """
        end = ids.argmax(dim=-1)  # the end token has the largest id
        device = self.position_embedding.device
        end, ids = (x.to(device, non_blocking=True) for x in (end, ids[:, : int(end.max()) + 1]))
        states = self.token_embedding(ids) + self.position_embedding[: ids.shape[1]]  # [N, S, width]
        states = self.norm(self.blocks(states))
        return states[torch.arange(len(ids), device=device), end]


class TextBlock(nn.Module):
    """Pre-norm transformer block with causal attention.

    Args:
        width: Channels, as in ``TextEncoder``.
        depth: Number of blocks of the encoder; initial weights of the residual branches shrink with it.
    """

    fsdp_unit = True

    def __init__(self, width: int, *, depth: int) -> None:
        super().__init__()
        self.num_heads = num_heads(width)
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self._init_as_clip(width, depth)

    def forward(self, states: Tensor) -> Tensor:
        """Update the states, [N, S, width]."""
        states = states + self.proj(self._attend(self.qkv(self.norm1(states))))
        return states + self.fc2(quick_gelu(self.fc1(self.norm2(states))))

    def _attend(self, qkv: Tensor) -> Tensor:
        """Causal attention of [N, S, 3 * width] to [N, S, width]."""
        query, key, value = qkv.unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)  # [N, heads, S, C/heads]
        return F.scaled_dot_product_attention(query, key, value, is_causal=True).transpose(1, 2).flatten(2)

    def _init_as_clip(self, width: int, depth: int) -> None:
        residual_std = (2 * depth * width) ** -0.5
        nn.init.normal_(self.qkv.weight, std=width**-0.5)
        nn.init.normal_(self.proj.weight, std=residual_std)
        nn.init.normal_(self.fc1.weight, std=(2 * width) ** -0.5)
        nn.init.normal_(self.fc2.weight, std=residual_std)
        nn.init.zeros_(self.qkv.bias)
        nn.init.zeros_(self.proj.bias)


def num_heads(width: int) -> int:
    """Number of attention heads, as in the authors' code."""
    return max(width // HEAD_CHANNELS, 1)


def quick_gelu(x: Tensor) -> Tensor:
    """CLIP's approximation of GELU, with which its weights were trained."""
    return x * torch.sigmoid(1.702 * x)
