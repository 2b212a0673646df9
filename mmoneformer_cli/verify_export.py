"""Compare the results of an exported file with those of the model, for several images, batches and tasks.

Exit status: 0 if they are equal but for rounding, 1 if not.
"""

import logging
from argparse import ArgumentParser, Namespace

from mmoneformer_cli.arguments import CONFIG_HELP, EXPORT_FORMATS

EXAMPLES = """\
  mmoneformer verify-export mine.onnx work_dirs/mine/iter_160000.pth
  mmoneformer verify-export mine_int8.onnx work_dirs/mine/iter_160000.pth --metrics"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('exported', metavar='OUT', help='exported file: .onnx, .pt2 or .xml')
    parser.add_argument('checkpoint', metavar='CKPT', help='checkpoint it was exported from')
    parser.add_argument('--config', help=f'{CONFIG_HELP}; default: the config in the checkpoint')
    parser.add_argument(
        '--format', choices=EXPORT_FORMATS, help='default: by the suffix of OUT; aot runs the code in the file'
    )
    parser.add_argument(
        '--metrics', action='store_true', help='also measure both on the test split of the config, such as for int8'
    )


def run(options: Namespace) -> int:
    """Run the command; return the exit status."""
    from mmoneformer.apis.export import compare_metrics, verify_export

    logging.basicConfig(format='%(message)s')
    logging.getLogger('mmoneformer').setLevel(logging.INFO)
    if options.metrics:
        metrics = compare_metrics(options.exported, options.checkpoint, config=options.config)
        for name, (before, after) in sorted(metrics.items()):
            print(f'{name:<16}{before:8.2f}{after:8.2f}{after - before:+8.2f}')
    verify_export(options.exported, options.checkpoint, config=options.config, format=options.format)
    return 0
