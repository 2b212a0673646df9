"""Figures of a split and of its classes, whether or not anything is wrong with them."""

from collections import Counter
from typing import NamedTuple

from mmoneformer.data_check.label_checks import images_per_class
from mmoneformer.data_check.sample_record import SplitRecord


class ClassFigures(NamedTuple):
    """Images with the class, its segments and its share of all labeled pixels, 0 to 1; without crowds."""

    images: int
    segments: int
    share: float


def summarize(split: SplitRecord) -> str:
    """A sentence about the split."""
    sound = list(split.sound())
    segments = sum(segment.area > 0 for sample in sound for segment in sample.segments)
    text = f'{len(split.samples)} images, {len(sound)} of them usable, with {segments} segments'
    shares = [sample.void_share for sample in sound if sample.void_share is not None]
    if shares:
        text += f'; {sum(shares) / len(shares):.1%} of the pixels are unlabeled'
    most = Counter[str]()
    for sample in sound:
        most |= Counter(sample.targets)
    if most:
        text += '; most targets of an image: ' + ', '.join(f'{count} ({task})' for task, count in most.items())
    return text


def class_figures(split: SplitRecord) -> list[ClassFigures]:
    """Figures of each class, in their order."""
    segments, pixels = Counter[int](), Counter[int]()
    for sample in split.sound():
        for segment in sample.segments:
            if segment.area and not segment.iscrowd:
                segments[segment.label] += 1
                pixels[segment.label] += segment.area
    images, total = images_per_class(split), max(pixels.total(), 1)
    return [
        ClassFigures(images[label], segments[label], pixels[label] / total)
        for label in range(len(split.metainfo['classes']))
    ]
