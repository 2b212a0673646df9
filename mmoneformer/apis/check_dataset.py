"""Checks the data that a config would train on."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope
from rich.console import Console

from mmoneformer.data_check.console_report import print_report
from mmoneformer.data_check.diagnosis import diagnose, unopened
from mmoneformer.data_check.finding import Finding
from mmoneformer.data_check.page import make_page
from mmoneformer.data_check.pictures import draw_samples
from mmoneformer.data_check.reading import read_samples
from mmoneformer.data_check.sample_record import SplitRecord
from mmoneformer.data_check.tolerant_dataset import open_dataset
from mmoneformer.metainfo import Metainfo, resolve_metainfo

SPLITS = ('train', 'val')
Found = dict[str, list[Finding]]


def check_dataset(
    cfg: Config, *, splits: Sequence[str] = SPLITS, out_dir: Path, workers: int, num_pictures: int
) -> Found:
    """Read every sample as training would; report what would go wrong, or train badly.

    Prints the report, and writes it to ``index.html``, with pictures.

    Args:
        cfg: From ``load_config``.
        splits: 'train', 'val', or both, which are also compared; those that the config does not name are left out.
        out_dir: Folder of the page; made if it is not there.
        workers: Processes that read; 0 reads in this one.
        num_pictures: Samples to draw of each split, at least 0.

    Returns:
        Findings of each split, and of both together.

    Raises:
        ValueError: If the config names none of the splits.
    """
    init_default_scope(cfg.get('default_scope', 'mmoneformer'))
    named = {name: cfg[f'{name}_dataloader'].dataset for name in splits if cfg.get(f'{name}_dataloader')}
    if not named:
        raise ValueError(f'the config names no data of {list(splits)}: it has {sorted(cfg)}')
    datasets: dict[str, BaseDataset] = {}
    found: Found = {}
    for name, config in named.items():
        try:
            datasets[name] = open_dataset(config)
        except Exception as error:  # of any type: data sets are of many authors, and the other split is still checked
            found[name] = [unopened(error)]
    records = {
        name: SplitRecord(name, _metainfo(dataset), read_samples(dataset, title=name, workers=workers))
        for name, dataset in datasets.items()
    }
    found |= diagnose(records, cfg.model)
    print_report(Console(), found, records)
    pictures = {name: draw_samples(dataset, num_pictures) for name, dataset in datasets.items()}
    out_dir.mkdir(parents=True, exist_ok=True)
    page = make_page(f'Data of {cfg.filename}', found, records, pictures)
    (out_dir / 'index.html').write_text(page, encoding='utf-8')
    return found


def _metainfo(dataset: BaseDataset) -> Metainfo:
    return resolve_metainfo({'thing_ids': (), **dataset.metainfo})  # without things: a data set that is no source
