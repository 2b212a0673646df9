"""Texts: tokens, their encoder and the text mapper."""

from mmoneformer.models.text.text_encoder import TextEncoder
from mmoneformer.models.text.text_mapper import TextMapper

__all__ = ['TextEncoder', 'TextMapper']
