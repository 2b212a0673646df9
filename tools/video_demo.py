"""Predict the frames of a video or a camera, and write them as a video."""

import sys
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Sequence

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.apis.device import DTYPES
from mmoneformer.apis.video import predict_video
from mmoneformer.tasks import TASKS
from mmoneformer_cli.running import print_any_text


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    print_any_text()
    parser = ArgumentParser(description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument('source', metavar='VIDEO', help='video file or URL, or the number of a camera, such as 0')
    parser.add_argument(
        '--weights', required=True, metavar='CKPT', help='checkpoint, name of a released model, or hf://<owner>/<name>'
    )
    parser.add_argument('--config', help='config of the model; None: the config in the checkpoint')
    parser.add_argument('--tasks', nargs='+', choices=list(TASKS), default=['panoptic'], help='results to draw')
    parser.add_argument('--device', default='auto', help='for example cuda:0; auto: CUDA, XPU, MPS, NPU, else CPU')
    parser.add_argument(
        '--precision', choices=list(DTYPES), default='float32', help='floating-point type of the model'
    )
    parser.add_argument('--batch-size', type=int, default=1, help='frames per batch')
    parser.add_argument('--max-frames', type=int, help='frames to predict; None: all')
    parser.add_argument('--show', action='store_true', help='also show the frames in a window; any key stops')
    parser.add_argument('--out', default='work_dirs/video_demo.mp4', help='output video')
    options = parser.parse_args(arguments)
    try:
        inferencer = OneFormerInferencer(options.config, options.weights, options.device, precision=options.precision)
        count = predict_video(
            inferencer,
            int(options.source) if options.source.isdecimal() else options.source,
            options.out,
            tasks=options.tasks,
            batch_size=options.batch_size,
            max_frames=options.max_frames,
            show=options.show,
        )
    except KeyboardInterrupt:
        sys.exit(f'interrupted: {options.out} has the frames up to here')
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'{count} frames: {options.out}')


if __name__ == '__main__':
    main()
