"""Neighborhood attention by the compiled kernels of NATTEN, where a version with relative position bias is there."""

from functools import lru_cache
from inspect import signature

from torch import Tensor


@lru_cache(maxsize=1)
def has_natten() -> bool:
    """Whether NATTEN is installed, in a version (0.17) whose scores take a bias."""
    try:
        from natten.functional import na2d_av, na2d_qk  # noqa: F401
    except ImportError:
        return False
    return 'rpb' in signature(na2d_qk).parameters


def natten_attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, *, dilation: int) -> Tensor:
    """Compute what ``neighborhood_attention`` does, with the same arguments."""
    from natten.functional import na2d_av, na2d_qk

    kernel = (bias.shape[-1] + 1) // 2
    query, key, value = (x.permute(0, 3, 1, 2, 4).contiguous() for x in (query, key, value))  # [B, heads, H, W, C]
    scores = na2d_qk(query * query.shape[-1] ** -0.5, key, kernel, dilation, rpb=bias.to(query.dtype))
    return na2d_av(scores.softmax(dim=-1).to(value.dtype), value, kernel, dilation).permute(0, 2, 3, 1, 4)
