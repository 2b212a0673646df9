"""Predict pictures: writes the input and the results beside each other, and the results as json and PNG."""

import sys
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Sequence

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.apis.precision import DTYPES
from mmoneformer.tasks import TASKS


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = ArgumentParser(description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument('inputs', nargs='+', metavar='INPUT', help='picture, folder of pictures, pattern, or URL')
    parser.add_argument(
        '--weights', required=True, metavar='CKPT', help='checkpoint, name of a released model, or hf://<owner>/<name>'
    )
    parser.add_argument('--config', help='config of the model, if not the one that the checkpoint carries')
    parser.add_argument('--tasks', nargs='+', choices=list(TASKS), default=list(TASKS), help='results to give')
    parser.add_argument('--device', default='cpu', help='for example cuda:0')
    parser.add_argument('--precision', choices=list(DTYPES), default='float32', help='in which the model computes')
    parser.add_argument('--batch-size', type=int, default=1, help='pictures at once')
    parser.add_argument('--on-error', choices=['stop', 'skip'], default='stop', help='at a picture that is broken')
    parser.add_argument('--out-dir', default='work_dirs/image_demo', help='folder to write to')
    options = parser.parse_args(arguments)
    try:
        inferencer = OneFormerInferencer(options.config, options.weights, options.device, precision=options.precision)
        count, failures = inferencer.save(
            options.inputs,
            options.out_dir,
            tasks=options.tasks,
            batch_size=options.batch_size,
            on_error=options.on_error,
        )
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        sys.exit(f'error: {error}')
    left_out = f', {len(failures)} left out' if failures else ''
    print(f'{count} pictures{left_out}: {options.out_dir}')


if __name__ == '__main__':
    main()
