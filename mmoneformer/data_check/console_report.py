"""The report as text."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape

from mmoneformer.data_check.finding import Finding, Severity
from mmoneformer.data_check.sample_record import SplitRecord
from mmoneformer.data_check.summary import summarize

COLORS = {Severity.ERROR: 'red', Severity.WARNING: 'yellow', Severity.NOTE: 'blue'}


def print_report(console: Console, found: Mapping[str, Sequence[Finding]], splits: Mapping[str, SplitRecord]) -> None:
    """Print what the splits are, and their findings.

    Args:
        console: Where to.
        found: Findings of each split.
        splits: The splits that could be read.
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
        console.print('nothing is wrong')
