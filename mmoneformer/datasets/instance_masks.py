"""Checks the masks of a COCO instance json, before pycocotools reads them: it takes all of them as they are."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from reprlib import repr as shortened
from typing import Any, NamedTuple

import numpy as np
from pycocotools import mask as coco_mask

from mmoneformer.datasets.json_schema import is_integer
from mmoneformer.errors import AnnotationError, AnnotationSizeError

Annotation = dict[str, Any]
Sizes = Mapping[int | str, tuple[int, int]]
FARTHEST = 100_000  # pixels; pycocotools needs memory for each pixel of an outline, also outside of the image
NUMBERS = {int, float}
FIRST_CHARACTER, CHARACTERS = 48, 7  # of a compressed run length: from '0' on, and how many of 5 bits each


class Masks(NamedTuple):
    """What was found in the masks of some annotations.

    Attributes:
        changes: New values of annotations, by their index in the json.
        contradicting: Ids of annotations whose area or box would have made mmdet leave them out, but not their mask.
        invisible: Ids of annotations whose mask has no pixel and that mmdet leaves out.
    """

    changes: dict[int, Annotation]
    contradicting: list[int | str]
    invisible: list[int | str]


def check_masks(annotations: Mapping[int, Annotation], sizes: Sizes) -> Masks:
    """Check masks; complete or correct area and box where mmdet would leave an annotation out.

    Args:
        annotations: By their index in the json. Flat polygons, ``[x, y, ...]``, are read as one polygon.
        sizes: Height and width of the image of each image id.

    Raises:
        AnnotationError: If a mask is missing, or is neither polygons nor run lengths.
        AnnotationSizeError: If run lengths have another size than the image.
    """
    segmentations = {index: annotation.get('segmentation') for index, annotation in annotations.items()}
    lacking = [index for index, value in segmentations.items() if not isinstance(value, list | dict) or not value]
    remedy = 'boxes are not learned: write polygons or run lengths for each annotation, or remove those without'
    _refuse(lacking, annotations, 'has no mask', remedy, segmentations)
    flat = [index for index, value in segmentations.items() if isinstance(value, list) and type(value[0]) is not list]
    changes: dict[int, Annotation] = {index: {'segmentation': [segmentations[index]]} for index in flat}
    segmentations |= {index: change['segmentation'] for index, change in changes.items()}
    _check_polygons({index: value for index, value in segmentations.items() if isinstance(value, list)}, annotations)
    codes = {index: value for index, value in segmentations.items() if isinstance(value, dict)}
    image_sizes = {index: sizes[annotation['image_id']] for index, annotation in annotations.items()}
    _check_codes(codes, annotations, image_sizes)
    masks = Masks(changes, [], [])
    for index, annotation in annotations.items():
        has_area, has_box = _is_area(annotation.get('area')), _is_box(annotation.get('bbox'), *image_sizes[index])
        if has_area and has_box:
            continue
        area, box = _measure(segmentations[index], image_sizes[index])
        if not area:
            masks.invisible.append(annotation['id'])
        elif {'area', 'bbox'} <= annotation.keys():
            masks.contradicting.append(annotation['id'])
        found = ({} if has_area else {'area': area}) | ({} if has_box else {'bbox': box})
        changes.setdefault(index, {}).update(found)
    return masks


def _refuse(
    indices: Iterable[int],
    annotations: Mapping[int, Annotation],
    fault: str,
    remedy: str,
    values: Mapping[int, Any],
    error: type[AnnotationError] = AnnotationError,
) -> None:
    """Raise an error that names the first of some annotations, if there is one."""
    offenders = sorted(set(indices))
    if not offenders:
        return
    first = offenders[0]
    others = f' (and {len(offenders) - 1} more)' if len(offenders) > 1 else ''
    raise error(
        f"'segmentation' of annotations[{first}], annotation id {annotations[first]['id']}{others}, {fault}, got "
        f'{shortened(values[first])}: {remedy}'
    )


def _check_polygons(polygons: Mapping[int, list[Any]], annotations: Mapping[int, Annotation]) -> None:
    """Check coordinates: x and y in turn, of at least three points."""
    owners = [index for index, parts in polygons.items() for _ in parts]
    parts = list(chain.from_iterable(polygons.values()))
    remedy = 'write each polygon as a list of numbers, x and y in turn'
    if not set(map(type, parts)) <= {list} or not set(map(type, chain.from_iterable(parts))) <= NUMBERS:
        wrong = [
            index
            for index, part in zip(owners, parts, strict=True)
            if type(part) is not list or not set(map(type, part)) <= NUMBERS
        ]
        _refuse(wrong, annotations, 'has a polygon of something else than numbers', remedy, polygons)
    lengths = np.fromiter(map(len, parts), int, len(parts))
    wrong = [owners[place] for place in np.flatnonzero((lengths < 6) | (lengths % 2 == 1))]
    _refuse(wrong, annotations, 'has a polygon that is not one of at least three points', remedy, polygons)
    numbers = _as_floats(chain.from_iterable(parts))
    far = np.flatnonzero(~(np.abs(numbers) <= FARTHEST))  # NaN, too
    wrong = [owners[place] for place in np.searchsorted(np.cumsum(lengths), far, side='right')]
    remedy = f'coordinates are pixels, from -{FARTHEST} to {FARTHEST}'
    _refuse(wrong, annotations, 'has a polygon with a coordinate that no image has', remedy, polygons)
    if numbers.size and numbers.min() >= 0 and numbers.max() <= 1 and (numbers % 1).any():
        raise AnnotationError(
            f"'segmentation' of all annotations has coordinates from {numbers.min()} to {numbers.max()}: they are "
            'pixels, so multiply x by the width of the image, and y by its height'
        )


def _as_floats(numbers: Iterable[int | float]) -> np.ndarray:
    values = list(numbers)
    try:
        return np.array(values, float)
    except OverflowError:  # an integer beyond the floats
        return np.array([value if abs(value) <= FARTHEST else np.inf for value in values], float)


def _check_codes(
    codes: Mapping[int, Annotation], annotations: Mapping[int, Annotation], sizes: Mapping[int, tuple[int, int]]
) -> None:
    """Check run lengths, which must fill their image."""
    wrong = [index for index, code in codes.items() if not {'size', 'counts'} <= code.keys()]
    _refuse(wrong, annotations, "has no 'size' and 'counts'", 'write run lengths with both', codes)
    wrong = [index for index, code in codes.items() if code['size'] != list(sizes[index])]
    remedy = 'take it from the release of the images, and do not resize only one of them'
    fault = 'has another size (height, width) than its image, '
    if wrong:
        fault += str(sizes[min(wrong)])
    _refuse(wrong, annotations, fault, remedy, codes, AnnotationSizeError)
    texts = {index: code['counts'] for index, code in codes.items() if isinstance(code['counts'], str)}
    sums = {index: _sum(code['counts']) for index, code in codes.items() if index not in texts}
    sums |= zip(texts, _sums_of_compressed(list(texts.values())), strict=True)
    wrong = [index for index, total in sums.items() if total != sizes[index][0] * sizes[index][1]]
    remedy = 'write them with pycocotools.mask.encode'
    _refuse(wrong, annotations, 'has run lengths that do not fill the image', remedy, codes)


def _sum(counts: Any) -> int:
    """Sum of run lengths; -1 if they are none."""
    is_valid = isinstance(counts, list) and all(map(is_integer, counts)) and min(counts, default=0) >= 0
    return sum(counts) if is_valid else -1


def _sums_of_compressed(texts: Sequence[str]) -> list[int]:
    """Sums of run lengths as in COCO's jsons; -1 for a text that is none.

    A number has 5 bits per character, the lowest first, and the sixth bit in all characters but its last one; the
    highest bit is the sign. From the fourth number of a text on, they are differences to the number before the last:
    in the sum, each number of a text counts for itself and for every second one after it.
    """
    if not texts:
        return []
    known = [text if text and text.isascii() else '~' for text in texts]
    bits = np.frombuffer(''.join(known).encode(), np.uint8) - np.uint8(FIRST_CHARACTER)  # below '0', they wrap around
    text_ends = np.cumsum([len(text) for text in known])
    text_starts = np.append(0, text_ends[:-1])
    is_last = (bits & 0x20) == 0
    wrong = ~is_last[text_ends - 1] | np.logical_or.reduceat(bits > 0x3F, text_starts)
    is_last[text_ends - 1] = True
    last = np.flatnonzero(is_last)
    starts = np.append(0, last[:-1] + 1)  # of each number
    lengths = last - starts + 1
    shifts = 5 * np.minimum(np.arange(len(bits)) - np.repeat(starts, lengths), CHARACTERS)
    numbers = np.add.reduceat((bits & 0x1F).astype(np.int64) << shifts, starts)
    numbers -= ((bits[last] & 0x10) > 0).astype(np.int64) << (shifts[last] + 5)
    firsts = np.searchsorted(starts, text_starts)  # number with which each text begins
    counts = np.diff(np.append(firsts, len(numbers)))
    places = np.arange(len(numbers)) - np.repeat(firsts, counts)
    weights = np.where(places == 0, 1, (np.repeat(counts, counts) - places + 1) // 2)
    wrong |= np.logical_or.reduceat(lengths > CHARACTERS, firsts)
    return np.where(wrong, -1, np.add.reduceat(numbers * weights, firsts)).tolist()


def _is_area(value: Any) -> bool:
    """Whether mmdet keeps an annotation with this area."""
    return type(value) in NUMBERS and 0 < value < np.inf


def _is_box(value: Any, height: int, width: int) -> bool:
    """Whether mmdet keeps an annotation with this box."""
    if type(value) is not list or len(value) != 4 or not set(map(type, value)) <= NUMBERS:
        return False
    left, top, columns, rows = value
    return columns >= 1 and rows >= 1 and left < width and top < height and left + columns > 0 < top + rows


def _measure(mask: Any, size: tuple[int, int]) -> tuple[float, list[float]]:
    """Area and box of a mask."""
    if isinstance(mask, list):
        code = coco_mask.merge(coco_mask.frPyObjects(mask, *size))
    else:
        code = coco_mask.frPyObjects(mask, *size) if isinstance(mask['counts'], list) else mask
    return float(coco_mask.area(code)), coco_mask.toBbox(code).tolist()
