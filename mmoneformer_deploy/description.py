"""What an exported file says about itself, as JSON: all that is needed to use it."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

KEY = 'mmoneformer'  # of the JSON in the metadata of a file
FORMAT = 1  # increased by each change that readers must know of
MAX_SIDE = 2**15  # of an image, in pixels
MAX_PIXEL = 2**16  # absolute value of the padding
PRECISIONS = ('float32', 'float16', 'int8')
MAX_CLASSES = 255  # a label map has 8 bits per pixel


@dataclass(frozen=True, kw_only=True)
class Description:
    """The description of an exported file.

    Attributes:
        format: Version of the description.
        version: Version of mmoneformer that exported it.
        weights_sha256: SHA-256 of the weights that were exported, hexadecimal.
        tasks: Names of the tasks; the input ``tasks`` takes positions in this list.
        classes: Class names.
        thing_ids: Indices into ``classes`` of the countable ones.
        palette: RGB colors, 0 to 255, one per class.
        resize: How images are resized: ``scale``, width and height, and ``keep_ratio``, whether the image keeps its
            ratio, with the scale as the greatest of its longer and its shorter side; None if they are not resized.
        size_divisor: The sides of the input are multiples of it; it is padded to the right and below.
        pad_value: RGB color of the padding, 0 to 255: zero after the normalization.
        object_mask_thr: Panoptic task: queries need a higher class score than this, 0 to 1.
        overlap_thr: Panoptic task: a segment needs at least this share of its mask left by the others, 0 to 1.
        max_per_image: Instance task: number of pairs of query and class that are considered, before those of stuff
            classes are dropped.
        precision: One of ``PRECISIONS``: of the weights, or for int8, of the products of the backbone and the pixel
            decoder.
    """

    format: int = FORMAT
    version: str
    weights_sha256: str
    tasks: list[str]
    classes: list[str]
    thing_ids: list[int]
    palette: list[list[int]]
    resize: dict[str, Any] | None
    size_divisor: int
    pad_value: list[float]
    object_mask_thr: float
    overlap_thr: float
    max_per_image: int
    precision: str = 'float32'

    @classmethod
    def parse(cls, text: str | None, path: str | os.PathLike[str]) -> 'Description':
        """Read a description, which may be anything.

        Args:
            text: What the file has under ``KEY``; None for nothing.
            path: The file, for messages.

        Raises:
            ValueError: If there is none, or it is damaged or of another format.
        """
        if text is None:
            raise ValueError(f'{path} has no description of mmoneformer: export the model with `mmoneformer export`')
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f'{path} has a damaged description: export the model again ({error})') from error
        number = content.get('format') if isinstance(content, dict) else None
        if number != FORMAT:
            raise ValueError(
                f'{path} has a description of format {number!r}, and this version reads format {FORMAT}: install the '
                'version of mmoneformer that exported the file, or export the model again'
            )
        known = {field.name for field in fields(cls)}
        wrong = known - content.keys() or {name for name in known if not _is_valid(name, content)}
        if wrong:
            values = ', '.join(f'{name} is {content.get(name)!r}'[:100] for name in sorted(wrong))
            raise ValueError(f'{path} has a damaged description: {values}; export the model again')
        return cls(**{name: content[name] for name in known})

    def to_json(self) -> str:
        """Return what is stored under ``KEY``."""
        return json.dumps(asdict(self))


def _is_valid(name: str, content: dict[str, Any]) -> bool:
    """Whether an entry has the type and range of its attribute."""
    try:
        return CHECKS[name](content[name], content)
    except (TypeError, AttributeError, LookupError):
        return False


def _has_type(value: Any, kind: type) -> bool:
    return type(value) is kind


def _are_texts(values: Any, _: dict[str, Any]) -> bool:
    return _has_type(values, list) and 0 < len(set(values)) == len(values) and all(_has_type(v, str) for v in values)


def _is_share(value: Any, _: dict[str, Any]) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1


def _is_size(value: Any, _: dict[str, Any] | None = None) -> bool:
    return _has_type(value, int) and 0 < value <= MAX_SIDE


def _is_color(value: Any) -> bool:
    return len(value) == 3 and all(_has_type(channel, int) and 0 <= channel <= 255 for channel in value)


def _is_pixel(value: Any, _: dict[str, Any]) -> bool:
    """Of any range: a preprocessor may pad with another value than zero."""
    return len(value) == 3 and all(type(channel) in (int, float) and abs(channel) < MAX_PIXEL for channel in value)


CHECKS: dict[str, Callable[[Any, dict[str, Any]], bool]] = {
    'format': _is_size,
    'version': lambda value, _: _has_type(value, str),
    'weights_sha256': lambda value, _: _has_type(value, str),
    'tasks': _are_texts,
    'classes': lambda value, all_: _are_texts(value, all_) and len(value) <= MAX_CLASSES,
    'thing_ids': lambda value, all_: set(value) <= set(range(len(all_['classes']))),
    'palette': lambda value, all_: len(value) == len(all_['classes']) and all(map(_is_color, value)),
    'resize': lambda value, _: (
        value is None
        or (_has_type(value['keep_ratio'], bool) and len(value['scale']) == 2 and all(map(_is_size, value['scale'])))
    ),
    'size_divisor': _is_size,
    'pad_value': _is_pixel,
    'object_mask_thr': _is_share,
    'overlap_thr': _is_share,
    'max_per_image': lambda value, _: _has_type(value, int) and value > 0,
    'precision': lambda value, _: value in PRECISIONS,
}
