"""Convert a checkpoint of the authors or of Hugging Face to mmoneformer, or an mmoneformer one to Hugging Face."""

import logging
from argparse import ArgumentParser, Namespace

from mmoneformer_cli.arguments import add_config_options

EXAMPLES = """\
  mmoneformer convert 250_16_swin_l_oneformer_ade20k_160k.pth swin-l_ade20k.pth
  mmoneformer convert hf://shi-labs/oneformer_coco_swin_large swin-l_coco.pth
  mmoneformer convert work_dirs/mine/iter_160000.pth mine_for_hugging_face"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('source', metavar='SRC', help='checkpoint, Hugging Face folder, or hf://<owner>/<name>')
    parser.add_argument('target', metavar='DST', help='checkpoint (.pth), or Hugging Face folder (no suffix)')
    parser.add_argument(
        '--dataset', metavar='NAME', help='data set of the weights, e.g. ade20k; default: by the number of classes'
    )
    parser.add_argument('--classes', metavar='FILE', help='names of the classes: one per line, or JSON')
    parser.add_argument('--things', metavar='FILE', help='those of them that are things: names or indices')
    add_config_options(parser)
    parser.add_argument(
        '--publish',
        action='store_true',
        help='store half precision, append a SHA-256 prefix to the file name, and write a model card',
    )
    parser.add_argument(
        '--small', action='store_true', help='leave out the weights of the backbone that training did not change'
    )


def run(options: Namespace) -> int:
    """Run the command; return the exit status."""
    import mmoneformer  # noqa: F401  # before anything imports mmdet
    from mmoneformer.checkpoints.conversion import convert

    logging.basicConfig(level=logging.INFO, format='%(message)s')
    written = convert(
        options.source,
        options.target,
        dataset=options.dataset,
        classes=options.classes,
        things=options.things,
        cfg_options=options.cfg_options,
        publish=options.publish,
        small=options.small,
    )
    print(written)
    return 0
