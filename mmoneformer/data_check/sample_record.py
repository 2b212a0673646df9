"""What the data check keeps of each sample, without its pixels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from mmoneformer.datasets.left_out import Remark
from mmoneformer.metainfo import Metainfo


class FaultKind(Enum):
    """Why a sample cannot be used."""

    MISSING_FILE = auto()
    ANNOTATION_SIZE = auto()
    UNKNOWN_LABEL = auto()
    INCONSISTENT_ANNOTATION = auto()
    UNREADABLE_FILE = auto()
    REJECTED = auto()  # a transform returned None
    FAILED = auto()  # any other error


class Fault(NamedTuple):
    """Why a sample cannot be used, with the step of the pipeline, and the class and message of the error."""

    kind: FaultKind
    step: str
    error: str
    message: str


class SegmentRecord(NamedTuple):
    """A segment as annotated; ``area`` is in pixels of the image before any transform."""

    label: int
    iscrowd: int
    area: int


@dataclass(frozen=True)
class SampleRecord:
    """An image, its annotation and what the pipeline makes of it.

    Attributes:
        path: Path of the image.
        digest: Hash of the image file; None if it cannot be read.
        greatest: Greatest value of an image of 16 bits per value; None for any other.
        fault: Why the sample cannot be used; None if it can. The other attributes hold what was seen before the fault.
        annotation: 'panoptic', 'instance', 'semantic', or None for an image without annotation.
        segments: Segments as annotated; with a semantic annotation only those with a pixel.
        void_share: Share of the pixels without annotation, 0 to 1; None for instances, which do not label all pixels.
        visible: Steps of the pipeline from the loading of the segments on, each with the number of segments that have
            pixels after it.
        targets: Number of targets of each task that may be drawn.
    """

    path: str
    digest: str | None = None
    greatest: int | None = None
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
        metainfo: Classes of the data set.
        samples: Records in the order of the data set.
        remarks: What the data set leaves out.
    """

    name: str
    metainfo: Metainfo
    samples: list[SampleRecord]
    remarks: Sequence[Remark] = ()

    def usable(self) -> Iterator[SampleRecord]:
        """Samples without a fault."""
        return (sample for sample in self.samples if sample.fault is None)

    def annotated(self) -> Iterator[SampleRecord]:
        """Samples with an annotation and without a fault."""
        return (sample for sample in self.usable() if sample.annotation is not None)
