"""Results at the size at which their image is drawn: maps and masks of huge pictures would not fit beside them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mmoneformer_deploy.result_dicts import ResultDict
from mmoneformer_deploy.run_lengths import RunLengths, edges_of, edges_of_part, encode_edges

Size = tuple[int, int]


def reduce_results(results: ResultDict, size: Size) -> ResultDict:
    """Reduce the maps and masks of results; those that have the size are returned as they are.

    Args:
        results: Results by task, see ``mmoneformer_deploy.result_dicts``.
        size: Height and width in pixels, each of which has the value of the nearest pixel.
    """
    return {
        task: _reduce_result(result, size) if isinstance(result, Mapping) else result
        for task, result in results.items()
    }


def _reduce_result(result: Mapping[str, Any], size: Size) -> ResultDict:
    """Maps are the arrays of a result, masks have their boxes beside them."""
    reduced = {
        key: _reduce_map(value, size) if isinstance(value, np.ndarray) and value.ndim == 2 else value
        for key, value in result.items()
    }
    masks = result.get('masks')
    if masks and tuple(masks[0]['size']) != size and 'bboxes' in result:
        reduced['masks'] = [_reduce_mask(*row, size) for row in zip(masks, result['bboxes'], strict=True)]
    return reduced


def _reduce_map(values: np.ndarray, size: Size) -> np.ndarray:
    if values.shape == size:
        return values
    rows, columns = (_nearest(length, reduced) for length, reduced in zip(values.shape, size, strict=True))
    return values[rows[:, None], columns]


def _reduce_mask(mask: RunLengths, box: list[float], size: Size) -> RunLengths:
    """Look up the pixels inside the box alone: a picture may have many thousands of masks."""
    rows, columns = (_nearest(length, reduced) for length, reduced in zip(mask['size'], size, strict=True))
    top, bottom = np.searchsorted(rows, (box[1], box[3]))
    left, right = np.searchsorted(columns, (box[0], box[2]))
    places = columns[left:right, None] * mask['size'][0] + rows[top:bottom]
    inside = np.searchsorted(edges_of(mask), places, side='right') % 2 == 1
    return encode_edges(edges_of_part(inside, top, left, size[0]), size)


def _nearest(length: int, reduced: int) -> np.ndarray:
    """The pixel of an axis that each of some fewer pixels shows."""
    return ((np.arange(reduced) + 0.5) * (length / reduced)).astype(np.int64)
