"""Evaluate a checkpoint: python tools/test.py CONFIG CKPT."""

import argparse
import os

from mmengine.config import DictAction

from mmoneformer.apis.run_config import evaluate, load_config
from mmoneformer.tasks import TASKS


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', nargs='?', help='config file; by default the config that the checkpoint carries')
    parser.add_argument('checkpoint', help='weights')
    parser.add_argument('--work-dir', help='folder of the log; by default work_dirs/<config name>')
    parser.add_argument('--tasks', nargs='+', choices=list(TASKS), help='what to predict and measure; by default all')
    parser.add_argument('--tta', action='store_true', help='the semantic task from several scales and flips')
    parser.add_argument('--show-dir', help='folder for pictures of the results')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='K=V', help='settings to change')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local-rank', '--local_rank', default='0', help=argparse.SUPPRESS)  # torch's launcher
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', args.local_rank)
    path = args.config or args.checkpoint
    cfg = load_config(path, work_dir=args.work_dir, cfg_options=args.cfg_options, launcher=args.launcher)
    evaluate(cfg, args.checkpoint, tasks=args.tasks, tta=args.tta, show_dir=args.show_dir)


if __name__ == '__main__':
    main()
