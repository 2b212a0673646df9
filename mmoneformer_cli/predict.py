"""Predict images: write each image next to its results, and the results as JSON and PNG files."""

from argparse import ArgumentParser, Namespace

from mmoneformer_cli.arguments import DEVICE_HELP, PRECISIONS, TASKS

EXAMPLES = """\
  mmoneformer predict photo.jpg --weights oneformer_swin-l_coco
  mmoneformer predict 'photos/*.jpg' --weights model.pth --tasks panoptic --out-dir results --on-error skip"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('inputs', nargs='+', metavar='INPUT', help='image, folder of images, glob pattern, or URL')
    model = parser.add_argument_group('model')
    model.add_argument(
        '--weights', required=True, metavar='CKPT', help='checkpoint, name of a released model, or hf://<owner>/<name>'
    )
    model.add_argument('--config', help='config of the model; default: the config in the checkpoint')
    model.add_argument('--device', default='auto', help=DEVICE_HELP)
    model.add_argument(
        '--precision', choices=PRECISIONS, default='float32', help='floating-point type of the model; default: float32'
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
    results.add_argument('--batch-size', type=int, default=1, metavar='N', help='images per batch; default: 1')
    results.add_argument(
        '--on-error', choices=['stop', 'skip'], default='stop', help='what to do at an image that fails; default: stop'
    )
    results.add_argument(
        '--out-dir', default='work_dirs/image_demo', help='folder for the results; default: work_dirs/image_demo'
    )


def run(options: Namespace) -> int:
    """Run the command; return the exit status."""
    from mmoneformer.apis import OneFormerInferencer

    inferencer = OneFormerInferencer(options.config, options.weights, options.device, precision=options.precision)
    count, failures = inferencer.save(
        options.inputs,
        options.out_dir,
        tasks=options.tasks,
        batch_size=options.batch_size,
        on_error=options.on_error,
    )
    skipped = f', {len(failures)} skipped' if failures else ''
    print(f'{count} images{skipped}: {options.out_dir}')
    return 0
