"""What the doctor keeps of a sample and of a split, once the pictures are gone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from mmoneformer.metainfo import Metainfo


class Fault(NamedTuple):
    """Why a sample cannot be used: the step of the pipeline, the type of the error and what it says."""

    step: str
    error: str
    message: str


class SegmentRecord(NamedTuple):
    """A segment as annotated; ``area`` in pixels of the whole image."""

    label: int
    iscrowd: int
    area: int


@dataclass(frozen=True)
class SampleRecord:
    """An image, its annotation and what the pipeline makes of it.

    Attributes:
        path: Of the image.
        digest: Hash of the image's file; None if it cannot be read.
        fault: Why the sample cannot be used, None if it can; then what follows is as far as it was seen.
        annotation: 'panoptic', 'instance', 'semantic', or None for an image alone.
        segments: As annotated; of a semantic annotation those with a pixel.
        void_share: Of the pixels, those without annotation, 0 to 1; None where it says nothing, of instances alone.
        visible: Steps of the pipeline since the segments are loaded, and how many of these have pixels behind it.
        targets: Of each task that may be drawn, how many there are.
    """

    path: str
    digest: str | None = None
    fault: Fault | None = None
    annotation: str | None = None
    segments: tuple[SegmentRecord, ...] = ()
    void_share: float | None = None
    visible: tuple[tuple[str, int], ...] = ()
    targets: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class SplitRecord:
    """The samples of a split.

    Attributes:
        name: 'train' or 'val'.
        metainfo: The classes.
        samples: In the order of the data set.
    """

    name: str
    metainfo: Metainfo
    samples: list[SampleRecord]

    def sound(self) -> Iterator[SampleRecord]:
        """Samples that can be used."""
        return (sample for sample in self.samples if sample.fault is None)

    def annotated(self) -> Iterator[SampleRecord]:
        """Samples that can be used and are more than an image."""
        return (sample for sample in self.sound() if sample.annotation is not None)
