"""The report as a self-contained HTML page."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import cv2

from mmoneformer.data_check.drawn_sample import DrawnSample
from mmoneformer.data_check.finding import Finding
from mmoneformer.data_check.report import class_statistics, summarize
from mmoneformer.data_check.sample_record import SplitRecord
from mmoneformer.metainfo import Metainfo
from mmoneformer.tasks import TASKS
from mmoneformer_deploy.result_files import MARK

JPEG_QUALITY = 85
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1500px; margin: 2em auto; padding: 0 1em; color: #222 }
h1, h2 { font-weight: 600 } h2 { margin-top: 2em; border-bottom: 1px solid #ddd }
img { max-width: 100% } code { overflow-wrap: anywhere; font-size: 13px }
.finding { border-left: 5px solid #999; padding: .2em 1em; margin: 1em 0; background: #f7f7f7 }
.error { border-color: #c62828 } .warning { border-color: #ef9a00 } .note { border-color: #5c8fbf }
.finding ul { margin: .3em 0 } .task { display: inline-block; vertical-align: top; margin: 0 2em 1em 0 }
table { border-collapse: collapse } td, th { padding: .15em .8em; text-align: right }
td:first-child { text-align: left }
tr:nth-child(even) { background: #f5f5f5 }
.chip { display: inline-block; width: .8em; height: .8em; margin-right: .5em }
"""


def make_page(
    title: str,
    found: Mapping[str, Sequence[Finding]],
    splits: Mapping[str, SplitRecord],
    drawn: Mapping[str, Iterable[DrawnSample]],
) -> str:
    """Return the page as HTML.

    Args:
        title: Title of the page.
        found: Findings of each split.
        splits: The splits that could be opened.
        drawn: Drawn samples of each split.
    """
    parts = [f'<h1>{escape(title)}</h1>']
    parts += [f'<p><b>{name}</b>: {escape(summarize(split))}</p>' for name, split in splits.items()]
    parts += ['<h2>Findings</h2>', *_findings(found)]
    if splits:
        parts += ['<h2>Classes</h2>', _class_table(splits)]
    for name, shown in drawn.items():
        parts += [f'<h2>Samples of {name}</h2>', *map(_drawn_sample, shown)]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    return f'<!doctype html><!-- {MARK} --><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def _findings(found: Mapping[str, Sequence[Finding]]) -> list[str]:
    boxes = [_finding(name, finding) for name, findings in found.items() for finding in findings]
    return boxes or ['<p>No problems found.</p>']


def _finding(name: str, finding: Finding) -> str:
    kind = finding.severity.name.lower()
    items = ''.join(f'<li><code>{escape(example)}</code></li>' for example in finding.examples)
    heading = f'<b>{kind}, {name}: {escape(finding.title)}</b>'
    return f'<div class="finding {kind}">{heading}<ul>{items}</ul>{escape(finding.remedy)}</div>'


def _class_table(splits: Mapping[str, SplitRecord]) -> str:
    metainfo = next(iter(splits.values())).metainfo
    head = ''.join(f'<th>{name}: images</th><th>segments</th><th>pixels</th>' for name in splits)
    columns = [class_statistics(split) for split in splits.values()]
    rows = ''.join(
        f'<tr>{_class_name(metainfo, label)}'
        + ''.join(f'<td>{c.images}</td><td>{c.segments}</td><td>{c.share:.2%}</td>' for c in row)
        + '</tr>'
        for label, row in enumerate(zip(*columns, strict=False))
    )
    return f'<table><tr><th></th>{head}</tr>{rows}</table>'


def _class_name(metainfo: Metainfo, label: int) -> str:
    red, green, blue = metainfo['palette'][label]
    kind = 'thing' if label in metainfo['thing_ids'] else 'stuff'
    chip = f'<span class="chip" style="background: rgb({red}, {green}, {blue})"></span>'
    return f'<td>{chip}{escape(metainfo["classes"][label])} ({kind})</td>'


def _drawn_sample(sample: DrawnSample) -> str:
    _, data = cv2.imencode('.jpg', sample.sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    code = base64.b64encode(data.tobytes()).decode()
    tasks = ''.join(
        f'<div class="task"><b>{TASKS[task].sentence}</b><br>'
        + '<br>'.join(f'{count} x {escape(text)}' for text, count in texts.items())
        + f'<br>the other queries: {TASKS[task].filler}</div>'
        for task, texts in sample.texts.items()
    )
    path = f'<p><code>{escape(sample.path)}</code></p>'
    return f'{path}<img src="data:image/jpeg;base64,{code}" alt="">{tasks}'
