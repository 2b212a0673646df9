"""Checks the data sets of a config."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope
from rich.console import Console

from mmoneformer.data_check.diagnosis import diagnose, unopened
from mmoneformer.data_check.drawn_sample import draw_samples
from mmoneformer.data_check.examination import examine_all
from mmoneformer.data_check.finding import Finding
from mmoneformer.data_check.page import make_page
from mmoneformer.data_check.report import print_report
from mmoneformer.data_check.sample_record import SplitRecord
from mmoneformer.data_check.tolerant_dataset import open_dataset, remarks_of
from mmoneformer.metainfo import Metainfo, resolve_metainfo
from mmoneformer_deploy.atomic_files import write_bytes
from mmoneformer_deploy.result_files import is_result

SPLITS = ('train', 'val')
Found = dict[str, list[Finding]]


def check_dataset(
    cfg: Config, *, splits: Sequence[str] = SPLITS, out_dir: Path, workers: int, num_samples: int
) -> Found:
    """Load every sample as training does, and report errors and likely problems.

    Writes the report to ``index.html`` together with drawn samples, and prints it.

    Args:
        cfg: From ``load_config``.
        splits: 'train', 'val', or both, which are then compared as well; those not in the config are skipped.
        out_dir: Folder of the page; created if it does not exist.
        workers: Number of worker processes; 0 uses the current process.
        num_samples: Number of samples to draw of each split, at least 0.

    Returns:
        Findings of each split, and of both together, the most severe first.

    Raises:
        FileExistsError: If the folder has an ``index.html`` that is no such report.
        ValueError: If the config has none of the splits.
    """
    page = out_dir / 'index.html'
    if page.exists() and not is_result(page):
        raise FileExistsError(f'{page} is not a report on data: choose another folder')
    init_default_scope(cfg.get('default_scope', 'mmoneformer'))
    named = {name: cfg[f'{name}_dataloader'].dataset for name in splits if cfg.get(f'{name}_dataloader')}
    if not named:
        raise ValueError(f'the config has no dataloader for {list(splits)}: it has {sorted(cfg)}')
    datasets: dict[str, BaseDataset] = {}
    found: Found = {}
    for name, config in named.items():
        try:
            datasets[name] = open_dataset(config)
        except Exception as error:  # of any class: data sets may come from any library
            found[name] = [unopened(error)]
    records = {
        name: SplitRecord(
            name, _metainfo(dataset), examine_all(dataset, title=name, workers=workers), remarks_of(dataset)
        )
        for name, dataset in datasets.items()
    }
    found |= diagnose(records, cfg.model)
    try:
        drawn = {name: draw_samples(dataset, num_samples) for name, dataset in datasets.items()}
        write_bytes(page, make_page(f'Data of {cfg.filename}', found, records, drawn).encode())
    finally:
        print_report(Console(), found, records)
    return found


def _metainfo(dataset: BaseDataset) -> Metainfo:
    return resolve_metainfo({'thing_ids': (), **dataset.metainfo})  # data sets of mmdet and mmseg have no thing ids
