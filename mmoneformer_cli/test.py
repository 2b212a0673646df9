"""Evaluate a checkpoint."""

from argparse import ArgumentParser, Namespace

from mmoneformer_cli.arguments import (
    CONFIG_HELP,
    TASKS,
    add_config_options,
    add_process_options,
    add_tile_options,
    pass_on_rank,
)

EXAMPLES = """\
  mmoneformer test work_dirs/mine/iter_160000.pth
  mmoneformer test oneformer_swin-l_ade20k swin-l.pth --tasks semantic --tta --show-dir images"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('config', nargs='?', help=f'{CONFIG_HELP}; default: the config in the checkpoint')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--work-dir', help='folder for logs; default: work_dirs/<config name>')
    parser.add_argument(
        '--tasks', nargs='+', choices=TASKS, metavar='TASK', help=f'of {", ".join(TASKS)}; default: all'
    )
    parser.add_argument(
        '--tta', action='store_true', help='test-time augmentation (semantic task): several scales and flips'
    )
    add_tile_options(parser)
    parser.add_argument('--show-dir', help='folder for images of the results')
    add_config_options(parser)
    add_process_options(parser)


def run(options: Namespace) -> int:
    """Run the command; return the exit status."""
    from mmoneformer.apis.train_and_test import evaluate, load_config

    pass_on_rank(options)
    path = options.config or options.checkpoint
    cfg = load_config(
        path, work_dir=options.work_dir, cfg_options=options.cfg_options, launcher=options.launcher, strict=True
    )
    evaluate(
        cfg,
        options.checkpoint,
        tasks=options.tasks,
        tta=options.tta,
        show_dir=options.show_dir,
        tile=options.tile,
        overlap=options.overlap,
    )
    return 0
