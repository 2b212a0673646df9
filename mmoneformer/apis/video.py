"""Predicts the frames of a video or a camera, and writes them as a video, with the objects in files of their own."""

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np

from mmoneformer.apis.image_sources import tracked
from mmoneformer.apis.inferencer import OneFormerInferencer
from mmoneformer.metainfo import Metainfo
from mmoneformer.tasks import check_tasks
from mmoneformer.tracking.film_files import CocoVideoFile, FilmFile, JsonFile, MotsFile
from mmoneformer.tracking.task_tracking import TRACKING
from mmoneformer.video_files import Video, VideoFile
from mmoneformer.visualization import draw_results, draw_sheet
from mmoneformer_deploy.result_dicts import ResultDict

AnyPath = str | os.PathLike[str]

OBJECT_FILES: dict[str, type[FilmFile]] = {'json': JsonFile, 'coco': CocoVideoFile, 'mots': MotsFile}


def predict_video(
    inferencer: OneFormerInferencer,
    source: AnyPath | int,
    out_file: AnyPath,
    *,
    tasks: Sequence[str] = ('panoptic',),
    batch_size: int = 1,
    max_frames: int | None = None,
    show: bool = False,
    track: bool = False,
    object_files: Mapping[str, AnyPath] | None = None,
) -> int:
    """Predict each frame and write the drawings as a video; after an error or Ctrl-C, files have the frames so far.

    Args:
        inferencer: Predicts the frames.
        source: A file, a URL, or the index of a camera, from 0.
        out_file: Video to write, .mp4; it appears when it is complete.
        tasks: Tasks to draw: a single one fills the frame, several are drawn side by side.
        batch_size: Number of frames predicted together.
        max_frames: Number of frames to stop after; None for all, which never ends for a camera.
        show: Whether to open a window with the drawings; any key stops the video.
        track: Whether objects have ids, and colors, that stay; always the case with ``object_files``.
        object_files: Files of the objects of the first task, by kind: see ``OBJECT_FILES``.

    Returns:
        The number of frames written.

    Raises:
        FileExistsError: If a file to write is the source, or another file to write.
        OSError: If a file cannot be written.
        ValueError: If the source cannot be opened or has no frames, its size changes, or a task or kind is unknown.
    """
    chosen = _checked_files(source, out_file, object_files or {})
    tasks, video, metainfo = check_tasks(tasks), Video(source), inferencer.metainfo
    frames = tracked(video.frames(max_frames), total=video.length(max_frames), shown=inferencer.show_progress)
    found = inferencer.stream(frames, tasks=tasks, batch_size=batch_size, track=track or bool(chosen))
    with ExitStack() as files:
        written = files.enter_context(VideoFile(Path(out_file), video.rate))
        of_objects = [files.enter_context(OBJECT_FILES[kind](Path(path), metainfo)) for kind, path in chosen.items()]
        for prediction in found:
            image, results = prediction.in_rgb(), prediction.as_dicts(metainfo, tasks)
            drawing = _draw(image, results, metainfo)
            written.write(drawing)
            _write_objects(of_objects, results, (image.shape[0], image.shape[1]), metainfo)
            if show and _key_pressed(drawing):
                break
    if written.count == 0:
        raise ValueError(f'{source} has no readable frames')
    return written.count


def _checked_files(
    source: AnyPath | int, out_file: AnyPath, object_files: Mapping[str, AnyPath]
) -> Mapping[str, AnyPath]:
    """Refuse files that would replace the source or each other."""
    unknown = object_files.keys() - OBJECT_FILES.keys()
    if unknown:
        raise ValueError(f'unknown files of objects {sorted(unknown)}: choose from {list(OBJECT_FILES)}')
    outputs = [os.path.realpath(path) for path in (out_file, *object_files.values())]
    if not isinstance(source, int) and os.path.realpath(source) in outputs:
        raise FileExistsError(f'{source} is the video to read: choose another name for the files to write')
    twice = next((path for path in outputs if outputs.count(path) > 1), None)
    if twice is not None:
        raise FileExistsError(f'{twice} is given for several files to write: choose a name for each')
    return object_files


def _write_objects(files: Sequence[FilmFile], results: ResultDict, size: tuple[int, int], metainfo: Metainfo) -> None:
    """Add the objects of the first task of a frame to the files."""
    task, result = next(iter(results.items()))
    objects = TRACKING[task].objects(result, metainfo) if files else []
    for file in files:
        file.write(objects, size)


def _draw(image: np.ndarray, results: ResultDict, metainfo: Metainfo) -> np.ndarray:
    """Draw the results of a frame, RGB."""
    if len(results) > 1:
        return draw_sheet(image, results, metainfo)
    (drawing,) = draw_results(image, results, metainfo).values()
    return drawing


def _key_pressed(drawing: np.ndarray) -> bool:
    """Show a drawing, and return whether a key was pressed."""
    cv2.imshow('mmoneformer', drawing[..., ::-1])
    return cv2.waitKey(1) >= 0
