"""Predicts the frames of a video or a camera, and writes them as a video."""

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from mmoneformer.apis.image_sources import tracked
from mmoneformer.apis.inferencer import OneFormerInferencer
from mmoneformer.apis.prediction import Prediction
from mmoneformer.metainfo import Metainfo
from mmoneformer.tasks import check_tasks
from mmoneformer.visualization import draw_results, draw_sheet
from mmoneformer_deploy.atomic_files import commit, partial_path

CAMERA_RATE = 25.0  # frames per second, for cameras that do not report it
SUFFIX = '.mp4'
CODEC = 'mp4v'  # supported by OpenCV's wheels on all platforms


class Video:
    """The frames of a video file or a camera, read one by one.

    Args:
        source: A file, a URL, or the index of a camera, from 0.

    Raises:
        ValueError: If it cannot be opened.
    """

    def __init__(self, source: str | os.PathLike[str] | int) -> None:
        self._capture = cv2.VideoCapture(source if isinstance(source, int) else str(source))
        if not self._capture.isOpened():
            kind = 'camera' if isinstance(source, int) else 'video'
            raise ValueError(f'{kind} {source} cannot be opened: it must exist and have a format that OpenCV reads')
        self.rate = self._capture.get(cv2.CAP_PROP_FPS) or CAMERA_RATE
        self._length = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))

    def frames(self, limit: int | None = None) -> Iterator[np.ndarray]:
        """Yield frames, BGR, uint8 [H, W, 3], at most ``limit``; a camera never ends."""
        try:
            yield from islice(self._read(), limit)
        finally:
            self._capture.release()

    def length(self, limit: int | None = None) -> int | None:
        """Number of frames according to the file, at most ``limit``; None if unknown."""
        known = [count for count in (self._length, limit) if count is not None and count > 0]
        return min(known, default=None)

    def _read(self) -> Iterator[np.ndarray]:
        while True:
            has_frame, frame = self._capture.read()
            if not has_frame:
                return
            yield frame


class VideoFile:
    """A video file, written frame by frame; a context manager, on whose exit the file gets its name.

    Args:
        path: The file, .mp4; its folder is created if it does not exist.
        rate: Frames per second.

    Raises:
        OSError: If the name does not end with .mp4.
    """

    def __init__(self, path: Path, rate: float) -> None:
        if path.suffix.lower() != SUFFIX:
            raise OSError(f'cannot write the video {path}: its name must end with {SUFFIX}')
        self.path, self.rate, self.count = path, rate, 0
        self._part = partial_path(path)
        self._writer: cv2.VideoWriter | None = None

    def __enter__(self) -> 'VideoFile':
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *error: object) -> None:
        if self._writer is None:
            return
        self._writer.release()
        capture = cv2.VideoCapture(str(self._part))  # OpenCV does not report errors while writing
        is_complete = capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0
        capture.release()
        if not is_complete:
            raise OSError(f'cannot write the video {self.path}: {self._part} is incomplete; is the disk full?')
        commit(self._part, self.path)

    def write(self, frame: np.ndarray) -> None:
        """Add a frame, RGB, uint8 [H, W, 3]; all frames have the same size.

        Raises:
            OSError: If the file cannot be written.
        """
        if self._writer is None:
            self._writer = self._open(frame.shape[1], frame.shape[0])
        self._writer.write(np.ascontiguousarray(frame[..., ::-1]))
        self.count += 1

    def _open(self, width: int, height: int) -> cv2.VideoWriter:
        codec = cv2.VideoWriter.fourcc(*CODEC)
        writer = cv2.VideoWriter(str(self._part), codec, self.rate, (width, height))
        if not writer.isOpened():
            raise OSError(f'cannot write the video {self.path}: its folder must be writable')
        return writer


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
