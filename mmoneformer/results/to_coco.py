"""Results as the rows of COCO's result files, which ``COCO.loadRes`` of pycocotools reads."""

import os
from collections.abc import Mapping, Sequence

import numpy as np
from pycocotools import mask as coco_mask

from mmoneformer.metainfo import Metainfo
from mmoneformer.results.segments import segments_of
from mmoneformer_deploy.atomic_files import write_json
from mmoneformer_deploy.result_dicts import ResultDict


def to_coco(
    results: ResultDict, task: str, metainfo: Metainfo, *, image_id: int = 0, category_ids: Sequence[int] | None = None
) -> list[ResultDict]:
    """Convert the result of a task; masks are run lengths, so nothing of them is lost.

    Args:
        results: The prediction for an image.
        task: Of which task; each segment is a row.
        metainfo: The classes.
        image_id: Id of the image.
        category_ids: Id of each class, as from ``mmoneformer.metainfo.category_ids('coco', classes)``; None for the
            class indices.

    Returns:
        Dicts of ``image_id``, ``category_id``, ``bbox`` (x, y, width, height in pixels), ``segmentation``, and
        ``score`` (1 if the task has none).

    Raises:
        ValueError: If the results lack the task.
    """
    rows = []
    for segment in segments_of(results, task, metainfo):
        code = coco_mask.encode(np.asfortranarray(segment.mask, np.uint8))
        left, top, right, bottom = segment.box
        rows.append(
            {
                'image_id': image_id,
                'category_id': segment.label if category_ids is None else category_ids[segment.label],
                'bbox': [left, top, right - left, bottom - top],
                'segmentation': {'size': list(code['size']), 'counts': code['counts'].decode()},
                'score': 1.0 if segment.score is None else segment.score,
            }
        )
    return rows


def write_coco(
    path: str | os.PathLike[str],
    predictions: Mapping[int, ResultDict],
    task: str,
    metainfo: Metainfo,
    *,
    category_ids: Sequence[int] | None = None,
) -> None:
    """Write a result file of COCO.

    Args:
        path: The file.
        predictions: The prediction for each image, by its id.
        task: As in ``to_coco``.
        metainfo: As in ``to_coco``.
        category_ids: As in ``to_coco``.

    Raises:
        OSError: If it cannot be written.
        ValueError: If results lack the task.
    """
    rows = [
        row
        for image_id, results in predictions.items()
        for row in to_coco(results, task, metainfo, image_id=image_id, category_ids=category_ids)
    ]
    write_json(path, rows)
