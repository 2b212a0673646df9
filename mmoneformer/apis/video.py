"""Predicts the frames of a video or a camera, and writes them as a video."""

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mmoneformer.apis.image_sources import tracked
from mmoneformer.apis.inferencer import OneFormerInferencer
from mmoneformer.apis.prediction import Prediction
from mmoneformer.metainfo import Metainfo
from mmoneformer.tasks import check_tasks
from mmoneformer.video_files import Video, VideoFile
from mmoneformer.visualization import draw_results, draw_sheet


def predict_video(
    inferencer: OneFormerInferencer,
    source: str | os.PathLike[str] | int,
    out_file: str | os.PathLike[str],
    *,
    tasks: Sequence[str] = ('panoptic',),
    batch_size: int = 1,
    max_frames: int | None = None,
    show: bool = False,
) -> int:
    """Predict each frame and write the drawings as a video.

    After an error or an interruption (Ctrl-C), the video has the frames written so far.

    Args:
        inferencer: Predicts the frames.
        source: A file, a URL, or the index of a camera, from 0.
        out_file: Video to write, .mp4; it appears when it is complete.
        tasks: Tasks to draw: a single one fills the frame, several are drawn side by side.
        batch_size: Number of frames predicted together.
        max_frames: Number of frames to stop after; None for all, which never ends for a camera.
        show: Whether to open a window with the drawings; any key stops the video.

    Returns:
        The number of frames written.

    Raises:
        FileExistsError: If the video to write is the source.
        OSError: If the video cannot be written.
        ValueError: If the source cannot be opened or has no frames, or a task is unknown.
    """
    are_files = not isinstance(source, int) and os.path.exists(source) and os.path.exists(out_file)
    if are_files and os.path.samefile(source, out_file):
        raise FileExistsError(f'{out_file} is the video to read: choose another name for the video to write')
    tasks, video = check_tasks(tasks), Video(source)
    frames = tracked(video.frames(max_frames), total=video.length(max_frames), shown=inferencer.show_progress)
    with VideoFile(Path(out_file), video.rate) as written:
        for found in inferencer.stream(frames, tasks=tasks, batch_size=batch_size):
            drawing = _draw(found, inferencer.metainfo, tasks)
            written.write(drawing)
            if show and _key_pressed(drawing):
                break
    if written.count == 0:
        raise ValueError(f'{source} has no readable frames')
    return written.count


def _draw(found: Prediction, metainfo: Metainfo, tasks: Sequence[str]) -> np.ndarray:
    """Draw the results of a frame, RGB."""
    image, results = found.in_rgb(), found.as_dicts(metainfo, tasks)
    if len(tasks) > 1:
        return draw_sheet(image, results, metainfo)
    return draw_results(image, results, metainfo)[tasks[0]]


def _key_pressed(drawing: np.ndarray) -> bool:
    """Show a drawing, and return whether a key was pressed."""
    cv2.imshow('mmoneformer', drawing[..., ::-1])
    return cv2.waitKey(1) >= 0
