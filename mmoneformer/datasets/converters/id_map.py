"""Segment id maps in COCO-panoptic PNG files (id = R + 256 G + 65536 B), and the json entries of their segments."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from scipy import ndimage

from mmoneformer.errors import AnnotationSizeError, UnknownLabelError, UnreadableFileError
from mmoneformer.result_images import write_png
from mmoneformer.structures.panoptic_ids import colors_to_ids, ids_to_colors
from mmoneformer_deploy.result_files import is_result

Array = np.ndarray[Any, np.dtype[Any]]


class Segment(NamedTuple):
    """A segment: its id in the map, the id of its category, and whether it is a crowd."""

    id: int
    category_id: int
    is_crowd: bool = False


def read_image(path: Path) -> Array:
    """Decode an image as it is stored: any bit depth, channels in BGR order.

    Raises:
        FileNotFoundError: If there is no such file.
        UnreadableFileError: If it is not an image.
    """
    encoded = np.frombuffer(path.read_bytes(), np.uint8)
    image = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED) if encoded.size else None
    if image is None:
        raise UnreadableFileError(f'{path} cannot be decoded: download or unpack it again')
    return image


def read_id_map(path: Path) -> Array:
    """Read a PNG as int32 ids [H, W].

    Raises:
        UnreadableFileError: If it is not an 8-bit RGB image.
    """
    image = read_image(path)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise UnreadableFileError(f'{path} is not an 8-bit RGB image: it has shape {image.shape}, {image.dtype}')
    return colors_to_ids(image, bgr=True).astype(np.int32)


def read_checked(path: Path, *, shape: tuple[int, int], ids: Iterable[int]) -> Array:
    """Read a PNG and check it against the json.

    Args:
        path: The PNG.
        shape: Height and width of its image, in pixels.
        ids: Ids of its segments, which may have no pixel.

    Raises:
        AnnotationSizeError: If it has another size than the image.
        UnknownLabelError: If it has pixels with other ids.
    """
    id_map = read_id_map(path)
    if id_map.shape != shape:
        raise AnnotationSizeError(f'{path} has height and width {id_map.shape}, but its image has {shape}')
    unknown = np.setdiff1d(id_map, [0, *ids]).tolist()
    if unknown:
        raise UnknownLabelError(f'{path} has pixels of segments that the json does not list: {unknown[:5]}')
    return id_map


def write_id_map(path: Path, id_map: Array, *, overwrite: bool = False) -> None:
    """Write ids [H, W], below 2**24, as a PNG; a file with the same ids is left untouched.

    Args:
        path: The PNG.
        id_map: The ids.
        overwrite: Whether to replace a file of another program.

    Raises:
        FileExistsError: If there is such a file, and it must not be replaced.
    """
    if path.exists():
        if _has_ids(path, id_map):
            return
        check_replaceable(path, overwrite=overwrite)
    write_png(path, ids_to_colors(id_map, bgr=True))


def check_replaceable(path: Path, *, overwrite: bool) -> None:
    """Check that an image may be replaced: one of an earlier conversion, or an incomplete one.

    Raises:
        FileExistsError: If it is neither, and ``overwrite`` is False.
    """
    if overwrite or is_result(path):
        return
    with suppress(UnreadableFileError):
        read_image(path)
        raise FileExistsError(f'{path} has other content, which --overwrite would replace')


def _has_ids(path: Path, id_map: Array) -> bool:
    try:
        return np.array_equal(read_id_map(path), id_map)
    except ValueError:  # an incomplete file
        return False


def segments_info(id_map: Array, segments: Sequence[Segment]) -> list[dict[str, Any]]:
    """Return the json entries of segments: id, category, area in pixels, bbox (x, y, width, height), crowd flag.

    Args:
        id_map: Segment ids, integer [H, W].
        segments: Segments to list; each must have a pixel.
    """
    position = np.zeros(id_map.max() + 1, np.int32)  # in the list of segments, from 1
    position[[segment.id for segment in segments]] = np.arange(1, len(segments) + 1)
    positions = position[id_map]
    areas = np.bincount(positions.ravel())[1:]
    boxes = ndimage.find_objects(positions)
    return [
        {
            'id': segment.id,
            'category_id': segment.category_id,
            'area': int(area),
            'bbox': [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start],
            'iscrowd': int(segment.is_crowd),
        }
        for segment, area, (rows, columns) in zip(segments, areas, boxes, strict=True)
    ]
