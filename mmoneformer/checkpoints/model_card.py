"""The card of a model that is passed on: what it is, what it was measured with, and how to load it."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmoneformer.errors import first_few
from mmoneformer.metainfo import Metainfo
from mmoneformer.version import __version__

SHOWN_CLASSES = 200
USAGE = """\
from mmoneformer.apis import OneFormerInferencer

inferencer = OneFormerInferencer(weights='{name}')
result = inferencer('photo.jpg', tasks=('panoptic', 'instance', 'semantic'), out_dir='results')"""
HUB_USAGE = """\
from transformers import OneFormerForUniversalSegmentation, OneFormerProcessor

processor = OneFormerProcessor.from_pretrained('{name}', repo_path='{name}')
model = OneFormerForUniversalSegmentation.from_pretrained('{name}')"""
HUB_HEADER = """\
---
library_name: transformers
pipeline_tag: image-segmentation
tags: [oneformer, panoptic-segmentation, instance-segmentation, semantic-segmentation]
---

"""


def measured_metrics(checkpoint: Mapping[str, Any]) -> dict[str, float]:
    """Read the metrics of the last validation before a checkpoint was saved.

    Args:
        checkpoint: As training saves it; one without metrics has none.

    Returns:
        Finite values by name, such as ``PQ``.
    """
    stored = checkpoint.get('meta', {}).get('metrics')
    if stored is not None:
        return dict(stored)
    scalars = checkpoint.get('message_hub', {}).get('log_scalars', {})
    values = {name.removeprefix('val/'): scalar for name, scalar in scalars.items() if name.startswith('val/')}
    last = {name: float(scalar.current()) for name, scalar in values.items() if not name.endswith('time')}
    return {name: value for name, value in last.items() if math.isfinite(value)}


def checkpoint_card(name: str, cfg: Config, metainfo: Metainfo, metrics: Mapping[str, float], sha256: str) -> str:
    """Write the card of a checkpoint, in Markdown.

    Args:
        name: Of the file.
        cfg: Config of the model.
        metainfo: Its classes.
        metrics: As from ``measured_metrics``.
        sha256: SHA-256 of the file, hexadecimal.
    """
    return _card(name, cfg, metainfo, metrics, USAGE, {'SHA-256': f'`{sha256}`'})


def hub_card(name: str, cfg: Config, metainfo: Metainfo, metrics: Mapping[str, float]) -> str:
    """Write the card of a folder of Hugging Face, ``README.md``; arguments as in ``checkpoint_card``."""
    return HUB_HEADER + _card(name, cfg, metainfo, metrics, HUB_USAGE, {})


def _card(
    name: str,
    cfg: Config,
    metainfo: Metainfo,
    metrics: Mapping[str, float],
    usage: str,
    further: Mapping[str, str],
) -> str:
    facts = {
        'model': f'OneFormer ([arXiv 2211.06220](https://arxiv.org/abs/2211.06220)), {cfg.model.backbone.type}',
        'queries': cfg.model.panoptic_head.num_queries,
        'trained on': _data_of(cfg, 'train_dataloader'),
        'iterations': cfg.get('train_cfg', {}).get('max_iters', 'unknown'),
        'made with': f'mmoneformer {__version__}',
    }
    parts = [
        f'# {name}',
        'One model for panoptic, instance and semantic segmentation. A task token tells it which of the three to '
        'predict.',
        _table(('', ''), [*facts.items(), *further.items()]),
        f'## Metrics\n\n{_metrics(cfg, metrics)}',
        f'## Use\n\n```python\n{usage.format(name=name)}\n```',
        f'## Classes\n\n{_classes(metainfo)}',
        '## Intended use and limits\n\nFor images like those it was trained on. It has not been measured on others. '
        'It finds nothing but its classes, and its scores are not calibrated probabilities.',
        '## License\n\nThe code is Apache-2.0. **The license of the weights follows from the data that they were '
        'trained on: state it here.**',
    ]
    return '\n\n'.join(parts) + '\n'


def _metrics(cfg: Config, metrics: Mapping[str, float]) -> str:
    if not metrics:
        return 'None is stored in the checkpoint: `mmoneformer test` measures it.'
    rows = [(name, f'{value:.2f}') for name, value in metrics.items()]
    tokens = cfg.model.get('test_cfg', {}).get('tokens') or {}
    used = ', '.join(f'the {task} task with the token {token!r}' for task, token in tokens.items())
    text = f'Of the last validation, on {_data_of(cfg, "val_dataloader")}, each task with its own token'
    return f'{text}{f", but {used}" if used else ""}:\n\n{_table(("metric", "value"), rows)}'


def _data_of(cfg: Config, loader: str) -> str:
    """The data sets of a data loader: their types and annotation files."""
    dataset = cfg.get(loader, {}).get('dataset')
    if dataset is None:
        return 'unknown'
    sources = dataset.get('sources', [dataset])
    return first_few(_source_name(source) for source in sources)


def _source_name(source: Config) -> str:
    path = source.get('ann_file') or source.get('data_root')
    return f'`{Path(path).name}` ({source.type})' if path else source.type


def _classes(metainfo: Metainfo) -> str:
    names, things = metainfo['classes'], set(metainfo['thing_ids'])
    kinds = {
        'Things': [name for index, name in enumerate(names) if index in things],
        'Stuff': [name for index, name in enumerate(names) if index not in things],
    }
    return '\n\n'.join(f'{kind} ({len(found)}): {_listed(found)}' for kind, found in kinds.items() if found)


def _listed(names: Sequence[str]) -> str:
    rest = f' and {len(names) - SHOWN_CLASSES} more' if len(names) > SHOWN_CLASSES else ''
    return ', '.join(names[:SHOWN_CLASSES]) + rest


def _table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ['---'] * len(head), *rows]
    return '\n'.join(f'| {" | ".join(map(str, line))} |' for line in lines)
