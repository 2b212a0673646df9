"""Export a model as one file that answers all tasks, without torch; the file is verified.

The format follows from the suffix: .onnx for onnxruntime and others, .pt2 for torch alone, .xml for OpenVINO.
With --format aot, a .pt2 file has code for CPUs like this one, which a C++ compiler makes of it.
It needs pip install 'mmoneformer[export]', and for OpenVINO 'mmoneformer[export,openvino]'.
"""

import logging
from argparse import ArgumentParser, Namespace

from mmoneformer_cli.arguments import CONFIG_HELP, EXPORT_FORMATS, SAMPLING

EXAMPLES = """\
  mmoneformer export work_dirs/mine/iter_160000.pth mine.onnx
  mmoneformer export oneformer_swin-l_coco swin-l.xml --half"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('checkpoint', metavar='CKPT', help='checkpoint, or name of a released model')
    parser.add_argument('target', metavar='OUT', help='file to write: .onnx, .pt2 or .xml')
    parser.add_argument('--config', help=f'{CONFIG_HELP}; default: the config in the checkpoint')
    parser.add_argument('--format', choices=EXPORT_FORMATS, help='default: by the suffix of OUT')
    parser.add_argument('--opset', type=int, help="version of ONNX's operators; default: 18")
    parser.add_argument(
        '--sampling',
        choices=SAMPLING,
        default='grid',
        help='how deformable attention samples: by the operator GridSample, or by indexing; default: grid',
    )
    parser.add_argument('--half', action='store_true', help='store the weights in half precision')
    parser.add_argument(
        '--int8', metavar='FOLDER', help='compute backbone and pixel decoder in int8; its images choose the ranges'
    )
    parser.add_argument('--no-verify', action='store_true', help='do not compare the results with those of the model')


def run(options: Namespace) -> int:
    """Run the command; return the exit status."""
    from mmoneformer.apis.export import export

    logging.basicConfig(format='%(message)s')
    logging.getLogger('mmoneformer').setLevel(logging.INFO)
    written = export(
        options.checkpoint,
        options.target,
        config=options.config,
        format=options.format,
        opset=options.opset,
        sampling=options.sampling,
        half=options.half,
        int8=options.int8,
        verify=not options.no_verify,
    )
    print(written)
    return 0
