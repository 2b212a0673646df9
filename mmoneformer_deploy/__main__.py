"""Predict images with a model that `mmoneformer export` wrote; neither torch nor mmoneformer is needed."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from mmoneformer_deploy.image_files import FORMATS
from mmoneformer_deploy.session import Session
from mmoneformer_deploy.task_results import RESULTS

INTERRUPTED = 130  # exit status of shells for Ctrl-C


def build_parser() -> ArgumentParser:
    """Build the parser of the command."""
    parser = ArgumentParser('python -m mmoneformer_deploy', description=__doc__)
    parser.add_argument('model', metavar='MODEL', help='file of ONNX (.onnx) or of OpenVINO (.xml)')
    parser.add_argument('images', nargs='+', metavar='IMAGE', help='image, folder of images, or glob pattern')
    parser.add_argument(
        '--tasks', nargs='+', choices=list(RESULTS), metavar='TASK', help=f'of {", ".join(RESULTS)}; default: all'
    )
    parser.add_argument('--out-dir', required=True, metavar='FOLDER', help='folder for the results')
    parser.add_argument(
        '--providers', nargs='+', metavar='NAME', help='execution providers of onnxruntime; default: CUDA, else CPU'
    )
    parser.add_argument(
        '--on-error', choices=['stop', 'skip'], default='stop', help='what to do at an image that fails; default: stop'
    )
    parser.add_argument(
        '--recursive', action='store_true', help='predict images in subfolders, too; results keep these'
    )
    parser.add_argument('--resume', action='store_true', help='skip images whose results an earlier run completed')
    parser.add_argument(
        '--formats',
        nargs='+',
        choices=FORMATS,
        default=list(FORMATS),
        metavar='FORMAT',
        help=f'what is written, of {", ".join(FORMATS)}; default: all',
    )
    parser.add_argument(
        '--workers', type=int, metavar='N', help='processes that draw and write; 0 for none; default: as many as pay'
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    options = build_parser().parse_args(arguments)
    try:
        session = Session(options.model, options.providers)
        count, failures = session.save(
            options.images,
            options.out_dir,
            tasks=options.tasks,
            on_error=options.on_error,
            formats=options.formats,
            resume=options.resume,
            recursive=options.recursive,
            num_workers=options.workers,
        )
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise SystemExit(f'error: {" ".join(str(error).split())}') from error
    skipped = f', {len(failures)} skipped' if failures else ''
    print(f'{count} images{skipped}: {options.out_dir}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
