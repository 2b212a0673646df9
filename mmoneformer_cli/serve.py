"""Serve a web page: drop an image, choose tasks and model, see the results.

By default the server is reachable from this machine only; there is no password. It needs gradio:
pip install 'mmoneformer[web]'.
"""

from argparse import ArgumentParser, Namespace

from mmoneformer_cli.arguments import DEVICE_HELP

EXAMPLES = """\
  mmoneformer serve --weights work_dirs/mine/iter_160000.pth
  mmoneformer serve --weights oneformer_swin-l_coco oneformer_swin-l_ade20k --device cuda:0 --port 8080"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        '--weights',
        required=True,
        nargs='+',
        metavar='CKPT',
        help='checkpoints, names of released models, hf://<owner>/<name>, or exported files (.onnx, .xml); the page '
        'offers a choice',
    )
    parser.add_argument('--device', default='auto', help=DEVICE_HELP)
    parser.add_argument('--host', default='127.0.0.1', help='address to listen on; default: 127.0.0.1')
    parser.add_argument('--port', type=int, default=7860, help='port to listen on; default: 7860')
    parser.add_argument('--max-mb', type=float, default=20, help='upload limit in megabytes; default: 20')


def run(options: Namespace) -> int:
    """Run the command; return the exit status."""
    from mmoneformer.web.server import serve

    serve(options.weights, host=options.host, port=options.port, device=options.device, max_mb=options.max_mb)
    return 0
