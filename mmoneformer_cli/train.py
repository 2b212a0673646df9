"""Train a model."""

from argparse import ArgumentParser, Namespace

from mmoneformer_cli.config_options import add_config_options
from mmoneformer_cli.processes import add_process_options, pass_on_rank

EXAMPLES = """\
  mmoneformer train configs/oneformer_tiny_shapes.py
  mmoneformer train configs/oneformer_swin-t_ade20k.py --amp --resume --cfg-options train_dataloader.batch_size=4"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder of logs and checkpoints; by default work_dirs/<config name>')
    parser.add_argument('--amp', action='store_true', help='automatic mixed precision')
    parser.add_argument(
        '--resume', nargs='?', const=True, default=False, metavar='CKPT', help='go on from CKPT, or from the last one'
    )
    add_config_options(parser)
    add_process_options(parser)


def run(options: Namespace) -> int:
    """Run the command."""
    from mmoneformer.apis.train_and_test import load_config, train

    pass_on_rank(options)
    cfg = load_config(
        options.config, work_dir=options.work_dir, cfg_options=options.cfg_options, launcher=options.launcher
    )
    train(cfg, amp=options.amp, resume=options.resume)
    return 0
