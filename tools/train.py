"""Train a model: python tools/train.py CONFIG."""

import argparse
import os

from mmengine.config import DictAction

from mmoneformer.apis.run_config import load_config, train


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder of logs and checkpoints; by default work_dirs/<config name>')
    parser.add_argument('--amp', action='store_true', help='automatic mixed precision')
    parser.add_argument(
        '--resume', nargs='?', const=True, default=False, metavar='CKPT', help='go on from CKPT, or from the last one'
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='K=V', help='settings to change')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local-rank', '--local_rank', default='0', help=argparse.SUPPRESS)  # torch's launcher
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', args.local_rank)
    cfg = load_config(args.config, work_dir=args.work_dir, cfg_options=args.cfg_options, launcher=args.launcher)
    train(cfg, amp=args.amp, resume=args.resume)


if __name__ == '__main__':
    main()
