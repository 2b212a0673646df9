"""A map of numbers as the horizontal runs of its rows, so that the maps of many tiles fit into memory."""

import numpy as np


class RunMap:
    """A map of numbers below 65536.

    Args:
        numbers: Integers [H, W].
    """

    def __init__(self, numbers: np.ndarray) -> None:
        begins = np.ones(numbers.shape, bool)
        np.not_equal(numbers[:, 1:], numbers[:, :-1], out=begins[:, 1:])
        starts = np.flatnonzero(begins)
        self._width = numbers.shape[1]
        self._values = numbers.ravel()[starts].astype(np.uint16)
        self._starts = starts.astype(np.uint32)
        self._first_runs = np.searchsorted(starts, np.arange(len(numbers) + 1) * self._width)

    def read_rows(self, start: int, stop: int) -> np.ndarray:
        """The numbers of some rows, uint16 [stop - start, W]."""
        first, last = self._first_runs[start], self._first_runs[stop]
        starts = self._starts[first:last].astype(np.int64)
        lengths = np.append(starts[1:], stop * self._width) - starts
        return np.repeat(self._values[first:last], lengths).reshape(-1, self._width)
