"""What the conversion of checkpoints must know about a backbone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mmoneformer.checkpoints.state_dict import Rows, StateDict, WeightShapes

Config = dict[str, Any]

QKV = ('query', 'key', 'value')  # three linear layers in Hugging Face's attention, one in ours


def keep(weights: StateDict) -> StateDict:
    """Leave the values as they are."""
    return weights


def accept(shapes: WeightShapes) -> None:
    """Check nothing."""


def take_shapes_only(arguments: Config, given: Mapping[str, Any], released: Mapping[str, Any] | None) -> Config:
    """Add nothing to the arguments that the shapes define."""
    return arguments


@dataclass(frozen=True, kw_only=True)
class ForeignKeys:
    """Names of a backbone's weights in other code.

    Attributes:
        start: Start of a key by which that code's backbone is recognized.
        rows: Their and our starts of keys, as ``KeyTable`` takes them, without the prefix of the backbone. Rows that
            end in ``query``, ``key`` and ``value`` below our ``qkv`` are three layers of theirs and one of ours.
        unused: Regular expression of keys that are dropped, theirs and ours, because they follow from the config.
    """

    start: str
    rows: Rows
    unused: str = r'(?!)'


@dataclass(frozen=True, kw_only=True)
class HuggingFaceBackbone(ForeignKeys):
    """A backbone in Hugging Face's OneFormer.

    Attributes:
        write_config: Makes their ``backbone_config`` from our arguments.
        arguments: Fields of their ``backbone_config`` that are arguments of ours and that no shape defines.
    """

    write_config: Callable[[Config], Config]
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ConvertibleBackbone:
    """A backbone whose checkpoints can be converted; an entry of ``BACKBONES`` makes it known.

    All keys are without the prefix ``backbone.``, except for those in ``WeightShapes``.

    Attributes:
        start: Start of a key by which the backbone is recognized.
        read_arguments: Reads the arguments of its class, and ``type``, from the shapes of the weights.
        check: Raises ValueError if the class cannot be built with these shapes.
        not_in_weights: Arguments that no shape defines; they come from the source, the user, or the released config.
        complete: Adds arguments that no shape defines and without which the results would be wrong. It takes the
            arguments from ``read_arguments``, those from the source and the user, and those of the released config
            for the data set, or None if there is none. The others of ``not_in_weights`` only matter in training.
        released_name: Backbone's part of the name of the released config that is closest to the arguments.
        from_authors: Changes the authors' weights, already under our keys, where ours differ in more than the key.
        to_authors: The inverse of ``from_authors``.
        constants: Ends of keys which a source may lack, as the model computes them.
        official: Keys in the authors' code; None if it has no such backbone.
        hugging_face: Keys and config in Hugging Face's transformers; None if it has no such backbone.
    """

    start: str
    read_arguments: Callable[[WeightShapes], Config]
    check: Callable[[WeightShapes], None] = accept
    not_in_weights: tuple[str, ...] = ()
    complete: Callable[[Config, Mapping[str, Any], Mapping[str, Any] | None], Config] = take_shapes_only
    released_name: Callable[[Config], str]
    from_authors: Callable[[StateDict], StateDict] = keep
    to_authors: Callable[[StateDict], StateDict] = keep
    constants: tuple[str, ...] = ()
    official: ForeignKeys | None = None
    hugging_face: HuggingFaceBackbone | None = None
