"""Evaluate a checkpoint."""

from argparse import ArgumentParser, Namespace

from mmoneformer_cli.choices import TASKS
from mmoneformer_cli.config_options import add_config_options
from mmoneformer_cli.processes import add_process_options, pass_on_rank

EXAMPLES = """\
  mmoneformer test work_dirs/mine/iter_160000.pth
  mmoneformer test configs/oneformer_swin-l_ade20k.py swin-l.pth --tasks semantic --tta --show-dir pictures"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument('config', nargs='?', help='config file; by default the config that the checkpoint carries')
    parser.add_argument('checkpoint', help='weights')
    parser.add_argument('--work-dir', help='folder of the log; by default work_dirs/<config name>')
    parser.add_argument(
        '--tasks', nargs='+', choices=TASKS, metavar='TASK', help=f'of {", ".join(TASKS)}; by default all'
    )
    parser.add_argument('--tta', action='store_true', help='the semantic task from several scales and flips')
    parser.add_argument('--show-dir', help='folder for pictures of the results')
    add_config_options(parser)
    add_process_options(parser)


def run(options: Namespace) -> int:
    """Run the command."""
    from mmoneformer.apis.train_and_test import evaluate, load_config

    pass_on_rank(options)
    path = options.config or options.checkpoint
    cfg = load_config(path, work_dir=options.work_dir, cfg_options=options.cfg_options, launcher=options.launcher)
    evaluate(cfg, options.checkpoint, tasks=options.tasks, tta=options.tta, show_dir=options.show_dir)
    return 0
