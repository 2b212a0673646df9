"""Convert a checkpoint: the authors' .pth or .pkl or a folder of Hugging Face to ours, or ours to such a folder."""

import logging
from argparse import ArgumentParser, Namespace

from mmoneformer_cli.config_options import add_config_options

EXAMPLES = """\
  mmoneformer convert 250_16_swin_l_oneformer_ade20k_160k.pth swin-l_ade20k.pth
  mmoneformer convert hf://shi-labs/oneformer_coco_swin_large swin-l_coco.pth
  mmoneformer convert work_dirs/mine/iter_160000.pth mine_for_hugging_face"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument('source', metavar='SRC', help='checkpoint, folder of Hugging Face, or hf://<owner>/<name>')
    parser.add_argument('target', metavar='DST', help='checkpoint of ours; without a suffix, folder of Hugging Face')
    parser.add_argument(
        '--dataset',
        metavar='NAME',
        help='data set of the weights, e.g. ade20k; default: by the number of classes',
    )
    add_config_options(parser)
    parser.add_argument(
        '--publish', action='store_true', help='half precision, and the start of the SHA-256 in the file name'
    )


def run(options: Namespace) -> int:
    """Run the command."""
    import mmoneformer  # noqa: F401  # before anything imports mmdet
    from mmoneformer.checkpoints.conversion import convert

    logging.basicConfig(level=logging.INFO, format='%(message)s')
    written = convert(
        options.source,
        options.target,
        dataset=options.dataset,
        cfg_options=options.cfg_options,
        publish=options.publish,
    )
    print(written)
    return 0
