"""What a pass over the whole picture, reduced to the size of a tile, says of its stuff."""

from typing import NamedTuple

import numpy as np

from mmoneformer.metainfo import Metainfo
from mmoneformer.tiling.grid import Size, Window
from mmoneformer_deploy.result_dicts import NO_CLASS, ResultDict


class Context(NamedTuple):
    """The stuff of a picture, seen in one piece.

    Attributes:
        labels: Class index of the stuff at each pixel of the reduced picture, 255 where there is none; uint8 [h, w].
        scores: Score of each class of stuff that has one, 0 to 1.
        size: Height and width of the picture.
    """

    labels: np.ndarray
    scores: dict[int, float]
    size: Size

    @classmethod
    def of_panoptic(cls, result: ResultDict, size: Size) -> 'Context':
        """Read the stuff of a panoptic result."""
        stuff = [segment for segment in result['segments'] if not segment['is_thing']]
        labels = np.full(len(result['segments']) + 1, NO_CLASS, np.uint8)
        labels[[segment['id'] for segment in stuff]] = [segment['label'] for segment in stuff]
        return cls(labels[result['id_map']], {segment['label']: segment['score'] for segment in stuff}, size)

    @classmethod
    def of_semantic(cls, result: ResultDict, size: Size, metainfo: Metainfo) -> 'Context':
        """Read the stuff of a semantic result."""
        labels = np.arange(NO_CLASS + 1, dtype=np.uint8)
        labels[list(metainfo['thing_ids'])] = NO_CLASS
        return cls(labels[result['label_map']], {}, size)

    def read(self, window: Window) -> np.ndarray:
        """The labels at the pixels of a window of the picture."""
        rows, columns = (
            ((np.arange(start, stop) + 0.5) * (reduced / length)).astype(np.int64)
            for start, stop, reduced, length in (
                (window.top, window.bottom, self.labels.shape[0], self.size[0]),
                (window.left, window.right, self.labels.shape[1], self.size[1]),
            )
        )
        return self.labels[rows[:, None], columns]
