"""Train a model."""

from argparse import ArgumentParser, Namespace

from mmoneformer_cli.arguments import CONFIG_HELP, add_config_options, add_process_options, pass_on_rank

EXAMPLES = """\
  mmoneformer train oneformer_tiny_shapes
  mmoneformer train mine.py --amp --resume --cfg-options train_dataloader.batch_size=4"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('config', help=CONFIG_HELP)
    parser.add_argument('--work-dir', help='folder for logs and checkpoints; default: work_dirs/<config name>')
    parser.add_argument('--amp', action='store_true', help='automatic mixed precision')
    parser.add_argument(
        '--resume',
        nargs='?',
        const=True,
        default=False,
        metavar='CKPT',
        help='resume from CKPT, or from the latest checkpoint in the work folder',
    )
    add_config_options(parser)
    add_process_options(parser)


def run(options: Namespace) -> int:
    """Run the command; return the exit status."""
    from mmoneformer.apis.train_and_test import load_config, train

    pass_on_rank(options)
    cfg = load_config(
        options.config,
        work_dir=options.work_dir,
        cfg_options=options.cfg_options,
        launcher=options.launcher,
        strict=True,
    )
    train(cfg, amp=options.amp, resume=options.resume)
    return 0
