"""Ids of the things of a film: those of a frame are matched with those of the frames before."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

PATIENCE = 60  # frames for which a thing that is not seen is remembered
LEAST_SIMILARITY = 0.8  # of a match: measured by tools/benchmark_tracking.py
MASK_WEIGHT = 0.1  # of the IoU of masks, next to a cosine similarity of at most 1
RENEWAL = 0.5  # share of the newest embedding in that of a track


class Observed(NamedTuple):
    """The N things that were found in a frame.

    Attributes:
        labels: Class of each, [N].
        embeddings: Of the query of each, float32 [N, C].
        masks: Pixels of each on a grid over the frame, which is the same for frames of any size, bool [N, h, w].
    """

    labels: np.ndarray
    embeddings: np.ndarray
    masks: np.ndarray


@dataclass
class Track:
    """A thing of a film, as it was last seen.

    Attributes:
        id: Its id.
        label: Its class.
        embedding: Mean of its embeddings of length 1, newer ones with more weight, [C].
        mask: Its last mask, bool [h, w].
        frame: In which it was last seen.
    """

    id: int
    label: int
    embedding: np.ndarray
    mask: np.ndarray
    frame: int


# of some tracks and of what was found in a frame of some number: [number of tracks, N]
Similarity = Callable[[Sequence[Track], Observed, int], np.ndarray]


class Tracker:
    """Gives the things of each frame the ids that they had in the frames before.

    Matching is that of least cost over all things of a frame; the class must agree. A thing that is not seen keeps its
    id for ``PATIENCE`` frames.

    Args:
        ids: Ids of new things, in their order.
        similarity: How similar tracks are to things of a frame.
        least: Least similarity of a match.
    """

    def __init__(
        self, ids: Iterator[int], similarity: Similarity | None = None, least: float = LEAST_SIMILARITY
    ) -> None:
        self._ids, self._similarity, self._least = ids, similarity or query_similarity, least
        self._tracks: list[Track] = []
        self._frame = -1

    def update(self, observed: Observed) -> list[int]:
        """Return the ids of the things of the next frame."""
        self._frame += 1
        self._tracks = [track for track in self._tracks if self._frame - track.frame <= PATIENCE]
        matched = self._match(observed)
        embeddings = unit_length(observed.embeddings)
        ids = []
        for thing, embedding in enumerate(embeddings):
            track = matched.get(thing)
            if track is None:
                track = Track(next(self._ids), int(observed.labels[thing]), embedding, observed.masks[thing], 0)
                self._tracks.append(track)
            track.embedding = (1 - RENEWAL) * track.embedding + RENEWAL * embedding
            track.mask, track.frame = observed.masks[thing], self._frame
            ids.append(track.id)
        return ids

    def _match(self, observed: Observed) -> dict[int, Track]:
        """The track of each thing that has one."""
        from scipy.optimize import linear_sum_assignment  # here: images are predicted without it

        if not self._tracks or not len(observed.labels):
            return {}
        similarity = self._similarity(self._tracks, observed, self._frame)
        labels = np.array([track.label for track in self._tracks])
        possible = (labels[:, None] == observed.labels) & (similarity >= self._least)
        pairs = zip(*linear_sum_assignment(np.where(possible, similarity, 0), maximize=True), strict=True)
        return {thing: self._tracks[track] for track, thing in pairs if possible[track, thing]}


def query_similarity(tracks: Sequence[Track], observed: Observed, frame: int) -> np.ndarray:
    """Cosine similarity of the embeddings, plus the IoU of the masks where a track was seen in the last frame."""
    embeddings = unit_length(np.stack([track.embedding for track in tracks]))
    cosine = embeddings @ unit_length(observed.embeddings).T
    is_recent = np.array([frame - track.frame == 1 for track in tracks])
    return cosine + MASK_WEIGHT * is_recent[:, None] * mask_ious(tracks, observed)


def mask_ious(tracks: Sequence[Track], observed: Observed) -> np.ndarray:
    """IoU of the last masks of tracks with those of a frame, [number of tracks, N]; 0 for empty masks."""
    last = np.stack([track.mask for track in tracks]).reshape(len(tracks), -1).astype(np.float32)
    masks = observed.masks.reshape(len(observed.masks), -1).astype(np.float32)
    shared = last @ masks.T
    union = last.sum(1)[:, None] + masks.sum(1) - shared
    return shared / np.maximum(union, 1)


def unit_length(embeddings: np.ndarray) -> np.ndarray:
    """Scale vectors [N, C] to length 1."""
    return embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
