"""Predict pictures: writes the input and the results beside each other, and the results as json and PNG."""

from argparse import ArgumentParser, Namespace

from mmoneformer_cli.choices import DEVICE_HELP, PRECISIONS, TASKS

EXAMPLES = """\
  mmoneformer predict photo.jpg --weights oneformer_swin-l_coco
  mmoneformer predict 'photos/*.jpg' --weights model.pth --tasks panoptic --out-dir results --on-error skip"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument('inputs', nargs='+', metavar='INPUT', help='picture, folder of pictures, pattern, or URL')
    model = parser.add_argument_group('model')
    model.add_argument(
        '--weights', required=True, metavar='CKPT', help='checkpoint, name of a released model, or hf://<owner>/<name>'
    )
    model.add_argument('--config', help='config of the model, if not the one that the checkpoint carries')
    model.add_argument('--device', default='auto', help=DEVICE_HELP)
    model.add_argument(
        '--precision', choices=PRECISIONS, default='float32', help='in which the model computes; default: float32'
    )
    results = parser.add_argument_group('results')
    results.add_argument(
        '--tasks',
        nargs='+',
        choices=TASKS,
        default=list(TASKS),
        metavar='TASK',
        help=f'of {", ".join(TASKS)}; default: all',
    )
    results.add_argument('--batch-size', type=int, default=1, metavar='N', help='pictures at once; default: 1')
    results.add_argument(
        '--on-error', choices=['stop', 'skip'], default='stop', help='at a picture that is broken; default: stop'
    )
    results.add_argument(
        '--out-dir', default='work_dirs/image_demo', help='folder to write to; default: work_dirs/image_demo'
    )


def run(options: Namespace) -> int:
    """Run the command."""
    from mmoneformer.apis import OneFormerInferencer

    inferencer = OneFormerInferencer(options.config, options.weights, options.device, precision=options.precision)
    count, failures = inferencer.save(
        options.inputs,
        options.out_dir,
        tasks=options.tasks,
        batch_size=options.batch_size,
        on_error=options.on_error,
    )
    left_out = f', {len(failures)} left out' if failures else ''
    print(f'{count} pictures{left_out}: {options.out_dir}')
    return 0
