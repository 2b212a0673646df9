"""Check the data of a config: read every sample as in training, report errors and anomalies, and draw some samples.

Exit status: 0 if nothing worse than a note was found, 1 for a warning, 2 for an error, that is, a sample that would
stop the training or has wrong targets. Wrong arguments are status 2, too.
"""

import os
from argparse import ArgumentParser, Namespace
from itertools import chain
from pathlib import Path

from mmoneformer_cli.arguments import CONFIG_HELP, SPLITS, add_config_options
from mmoneformer_cli.running import UsageError

EXAMPLES = """\
  mmoneformer check-dataset mine.py
  mmoneformer check-dataset oneformer_tiny_shapes --split train --samples 20"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('config', help=CONFIG_HELP)
    parser.add_argument(
        '--split', choices=[*SPLITS, 'both'], default='both', help='both also compares the two; default: both'
    )
    parser.add_argument(
        '--out-dir', type=Path, help='folder for the HTML report; default: work_dirs/<config name>/check'
    )
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='reader processes; default: all cores')
    parser.add_argument('--samples', type=int, default=8, help='samples of each split to draw; default: 8')
    add_config_options(parser)


def run(options: Namespace) -> int:
    """Run the command; return the exit status.

    Raises:
        UsageError: If the config does not have the requested data, or contradicts itself.
    """
    from mmoneformer.apis.check_dataset import check_dataset
    from mmoneformer.apis.train_and_test import load_config

    splits = SPLITS if options.split == 'both' else (options.split,)
    try:
        cfg = load_config(options.config, cfg_options=options.cfg_options, strict=True)
        out_dir = options.out_dir or Path(cfg.work_dir, 'check')
        found = check_dataset(
            cfg, splits=splits, out_dir=out_dir, workers=options.workers, num_samples=options.samples
        )
    except (FileExistsError, ValueError) as error:
        raise UsageError(str(error)) from error
    print(f'report: {out_dir / "index.html"}')
    return int(max((finding.severity for finding in chain.from_iterable(found.values())), default=0))
