"""How many targets the model of a config can be taught at once."""

from collections.abc import Mapping
from inspect import signature
from typing import Any, NamedTuple

from mmoneformer.models.text.text_mapper import TextMapper


class ModelCapacity(NamedTuple):
    """``num_queries`` targets find a query each; of these, ``num_context`` find no text."""

    num_queries: int
    num_context: int

    @property
    def num_texts(self) -> int:
        """How many targets find a text."""
        return self.num_queries - self.num_context


def model_capacity(model: Mapping[str, Any]) -> ModelCapacity:
    """Read it from the config of a model."""
    head = model['panoptic_head']
    default = signature(TextMapper).parameters['num_context'].default
    return ModelCapacity(head['num_queries'], (head.get('text_mapper') or {}).get('num_context', default))
