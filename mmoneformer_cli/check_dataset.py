"""Check the data of a config: read every sample as training would, report what would go wrong, draw some samples.

Exit status: 0 if there is nothing but notes, 1 if the worst is a warning, 2 if there is an error (a sample that would
stop the training, or teach what is not true), as after a wrong argument.
"""

import os
from argparse import ArgumentParser, Namespace
from itertools import chain
from pathlib import Path

from mmoneformer_cli.choices import SPLITS
from mmoneformer_cli.config_options import add_config_options
from mmoneformer_cli.running import UsageError

EXAMPLES = """\
  mmoneformer check-dataset configs/oneformer_swin-t_custom.py
  mmoneformer check-dataset configs/oneformer_tiny_shapes.py --split train --samples 20"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument('config', help='config file')
    parser.add_argument('--split', choices=[*SPLITS, 'both'], default='both', help='default: both, also compared')
    parser.add_argument('--out-dir', type=Path, help='of the page; by default work_dirs/<config name>/check')
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='processes that read; default: all cores')
    parser.add_argument('--samples', type=int, default=8, help='how many to draw of each split; default: 8')
    add_config_options(parser)


def run(options: Namespace) -> int:
    """Run the command; returns the exit status.

    Raises:
        UsageError: If the config does not name the data that is asked for.
    """
    from mmoneformer.apis.check_dataset import check_dataset
    from mmoneformer.apis.train_and_test import load_config

    cfg = load_config(options.config, cfg_options=options.cfg_options)
    out_dir = options.out_dir or Path(cfg.work_dir, 'check')
    splits = SPLITS if options.split == 'both' else (options.split,)
    try:
        found = check_dataset(
            cfg, splits=splits, out_dir=out_dir, workers=options.workers, num_pictures=options.samples
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    print(f'page: {out_dir / "index.html"}')
    return int(max((finding.severity for finding in chain.from_iterable(found.values())), default=0))
