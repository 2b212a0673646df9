"""Results as ``supervision.Detections``, which that package draws, filters, counts and tracks."""

from typing import TYPE_CHECKING

import numpy as np

from mmoneformer.metainfo import Metainfo
from mmoneformer.results.segments import segments_of
from mmoneformer_deploy.result_dicts import ResultDict

if TYPE_CHECKING:
    from supervision import Detections


def to_supervision(results: ResultDict, task: str, metainfo: Metainfo) -> 'Detections':
    """Convert the result of a task.

    Args:
        results: The prediction for an image.
        task: Of which task; each segment is a detection.
        metainfo: The classes.

    Returns:
        Boxes (``xyxy``), masks, class indices, names (``data['class_name']``), and scores as ``confidence`` if the
        task has them.

    Raises:
        ImportError: If supervision is not installed.
        ValueError: If the results lack the task.
    """
    try:
        from supervision import Detections
    except ImportError as error:
        raise ImportError(f"supervision is not installed: pip install 'mmoneformer[supervision]' ({error})") from error

    segments = list(segments_of(results, task, metainfo))
    if not segments:
        return Detections.empty()
    scores = [segment.score for segment in segments]
    return Detections(
        xyxy=np.array([segment.box for segment in segments], np.float32),
        mask=np.stack([segment.mask for segment in segments]),
        confidence=None if None in scores else np.array(scores, np.float32),
        class_id=np.array([segment.label for segment in segments]),
        data={'class_name': np.array([segment.class_name for segment in segments])},
    )
