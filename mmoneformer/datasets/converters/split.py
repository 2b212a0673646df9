"""The parts that a data set is published in."""

from typing import NamedTuple


class Split(NamedTuple):
    """A part of a data set.

    Attributes:
        name: What we call it, ``train`` or ``val``.
        folder: What the raw download calls it.
        images: Number of images when the download is complete.
    """

    name: str
    folder: str
    images: int
