"""The report on the console, and the statistics that it and the page show."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape

from mmoneformer.data_check.finding import Finding, Severity
from mmoneformer.data_check.label_checks import images_per_class
from mmoneformer.data_check.sample_record import SplitRecord

COLORS = {Severity.ERROR: 'red', Severity.WARNING: 'yellow', Severity.NOTE: 'blue'}


class ClassStatistics(NamedTuple):
    """Number of images and segments of a class, and its share of all labeled pixels, 0 to 1; without crowds."""

    images: int
    segments: int
    share: float


def print_report(console: Console, found: Mapping[str, Sequence[Finding]], splits: Mapping[str, SplitRecord]) -> None:
    """Print a summary and the findings of each split.

    Args:
        console: Where to print.
        found: Findings of each split.
        splits: The splits that could be opened.
    """
    for name, split in splits.items():
        console.print(f'[bold]{name}[/bold]: {escape(summarize(split))}', highlight=False, soft_wrap=True)
    for name, findings in found.items():
        for finding in findings:
            kind = f'[{COLORS[finding.severity]}]{finding.severity.name.lower()}[/]'
            lines = [f'\n{kind} [bold]{name}: {escape(finding.title)}[/bold]']
            lines += [f'    {escape(example)}' for example in finding.examples]
            console.print('\n'.join([*lines, f'  {escape(finding.remedy)}']), highlight=False, soft_wrap=True)
    if not any(found.values()):
        console.print('no problems found')


def summarize(split: SplitRecord) -> str:
    """Return a sentence about a split."""
    usable = list(split.usable())
    segments = sum(segment.area > 0 for sample in usable for segment in sample.segments)
    text = f'{len(split.samples)} images, {len(usable)} of them usable, with {segments} segments'
    shares = [sample.void_share for sample in usable if sample.void_share is not None]
    if shares:
        text += f'; {sum(shares) / len(shares):.1%} of the pixels are unlabeled'
    most = Counter[str]()
    for sample in usable:
        most |= Counter(sample.targets)
    if most:
        text += '; at most ' + ', '.join(f'{count} ({task})' for task, count in most.items()) + ' targets per image'
    return text


def class_statistics(split: SplitRecord) -> list[ClassStatistics]:
    """Return the statistics of each class, in class order."""
    segments, pixels = Counter[int](), Counter[int]()
    for sample in split.usable():
        for segment in sample.segments:
            if segment.area and not segment.iscrowd:
                segments[segment.label] += 1
                pixels[segment.label] += segment.area
    images, total = images_per_class(split), max(pixels.total(), 1)
    return [
        ClassStatistics(images[label], segments[label], pixels[label] / total)
        for label in range(len(split.metainfo['classes']))
    ]
