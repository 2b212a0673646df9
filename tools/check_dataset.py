"""Check the data of a config: read every sample as training would, report what would go wrong, draw some samples.

Exit status: 0 if there is nothing but notes, 1 if the worst is a warning, 2 if there is an error (a sample that would
stop the training, or teach what is not true), as after a wrong argument.
"""

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from mmengine.config import DictAction

from mmoneformer.apis.check_dataset import SPLITS, check_dataset
from mmoneformer.apis.run_config import load_config


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--split', choices=[*SPLITS, 'both'], default='both', help='default: both, also compared')
    parser.add_argument('--out-dir', type=Path, help='of the page; by default work_dirs/<config name>/check')
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='processes that read; default: all cores')
    parser.add_argument('--samples', type=int, default=8, help='how many to draw of each split; default: 8')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='K=V', help='settings to change')
    options = parser.parse_args(arguments)
    cfg = load_config(options.config, cfg_options=options.cfg_options)
    out_dir = options.out_dir or Path(cfg.work_dir, 'check')
    splits = SPLITS if options.split == 'both' else (options.split,)
    try:
        found = check_dataset(
            cfg, splits=splits, out_dir=out_dir, workers=options.workers, num_pictures=options.samples
        )
    except ValueError as error:
        parser.error(str(error))
    print(f'page: {out_dir / "index.html"}')
    return max((finding.severity for finding in chain.from_iterable(found.values())), default=0)


if __name__ == '__main__':
    sys.exit(main())
