"""Video files and cameras, read and written frame by frame with OpenCV."""

import logging
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from mmoneformer_deploy.atomic_files import commit, partial_path

USUAL_RATE = 25.0  # frames per second, for cameras and files that report none, or one that no video can have
HIGHEST_RATE = 1000.0
SUFFIX = '.mp4'
CODEC = 'mp4v'  # supported by OpenCV's wheels on all platforms
UNSURE = 0.02  # share of the frames by which some formats misstate their number
LOGGER = logging.getLogger(__name__)


class Video:
    """The frames of a video file or a camera, read one by one.

    Where the size of the frames changes, OpenCV's FFmpeg scales them to that of the first one; other readers of OpenCV
    give them as they are.

    Args:
        source: A file, a URL, or the index of a camera, from 0.

    Raises:
        ValueError: If it cannot be opened.
    """

    def __init__(self, source: str | os.PathLike[str] | int) -> None:
        self._source = source
        self._capture = cv2.VideoCapture(source if isinstance(source, int) else str(source))
        if not self._capture.isOpened():
            kind = 'camera' if isinstance(source, int) else 'video'
            raise ValueError(f'{kind} {source} cannot be opened: it must exist and have a format that OpenCV reads')
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= HIGHEST_RATE else USUAL_RATE
        self._length = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))

    def frames(self, limit: int | None = None) -> Iterator[np.ndarray]:
        """Yield frames, BGR, uint8 [H, W, 3], at most ``limit``; a camera never ends.

        A file that ends before the number of frames that it states is a warning.
        """
        try:
            yield from islice(self._read(), limit)
        finally:
            self._capture.release()

    def length(self, limit: int | None = None) -> int | None:
        """Number of frames according to the file, at most ``limit``; None if unknown."""
        known = [count for count in (self._length, limit) if count is not None and count > 0]
        return min(known, default=None)

    def _read(self) -> Iterator[np.ndarray]:
        count = 0
        while True:
            has_frame, frame = self._capture.read()
            if not has_frame:
                break
            count += 1
            yield frame
        if count < self._length * (1 - UNSURE):
            LOGGER.warning(
                '%s ends after %d of %d frames: the file is damaged or incomplete', self._source, count, self._length
            )


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
        self._shape: tuple[int, ...] | None = None
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
            ValueError: If the frame has another size than the first one.
        """
        if self._writer is None:
            self._writer, self._shape = self._open(frame.shape[1], frame.shape[0]), frame.shape
        if frame.shape != self._shape:  # which OpenCV leaves out, without a word
            raise ValueError(
                f'frame {self.count} for {self.path} has the shape {frame.shape}, the frames before {self._shape}: a '
                'video has one size, and this one ends here; cut the source where its size changes'
            )
        self._writer.write(np.ascontiguousarray(frame[..., ::-1]))
        self.count += 1

    def _open(self, width: int, height: int) -> cv2.VideoWriter:
        codec = cv2.VideoWriter.fourcc(*CODEC)
        writer = cv2.VideoWriter(str(self._part), codec, self.rate, (width, height))
        if not writer.isOpened():
            raise OSError(f'cannot write the video {self.path}: its folder must be writable')
        return writer
