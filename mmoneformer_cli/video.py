"""Predict the frames of a video or a camera, and write them as a video.

With --track, or with a file of objects, an id names one object, and has one color, throughout the film. After an
interruption (Ctrl-C) all files are complete with the frames until then.
"""

import sys
from argparse import ArgumentParser, Namespace

from mmoneformer_cli.arguments import TASKS, add_model_options
from mmoneformer_cli.running import INTERRUPTED

EXAMPLES = """\
  mmoneformer video drive.mp4 --weights oneformer_swin-l_coco --out drive_panoptic.mp4 --track
  mmoneformer video drive.mp4 --weights model.pth --tasks instance --out out.mp4 --json out.json --mots out.txt
  mmoneformer video 0 --weights model.pth --show --out camera.mp4"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('source', metavar='VIDEO', help='video file or URL, or the number of a camera, such as 0')
    add_model_options(parser, 'checkpoint, name of a released model, or hf://<owner>/<name>')
    film = parser.add_argument_group('film')
    film.add_argument(
        '--tasks',
        nargs='+',
        choices=TASKS,
        default=['panoptic'],
        metavar='TASK',
        help=f'results to draw, of {", ".join(TASKS)}, several side by side; default: panoptic',
    )
    film.add_argument('--batch-size', type=int, default=1, metavar='N', help='frames per batch; default: 1')
    film.add_argument('--max-frames', type=int, metavar='N', help='frames to predict; default: all')
    film.add_argument('--show', action='store_true', help='also show the frames in a window; any key stops')
    film.add_argument('--out', default='work_dirs/video_demo.mp4', help='video; default: work_dirs/video_demo.mp4')
    objects = parser.add_argument_group('objects')
    objects.add_argument('--track', action='store_true', help='give objects ids, and colors, that stay')
    for name, what in (
        ('json', 'the objects of each frame'),
        ('coco', "things with their masks, as json in COCO's format of videos (YouTube-VIS)"),
        ('mots', 'things with their masks, as the text file of MOTS'),
    ):
        objects.add_argument(f'--{name}', metavar='FILE', help=f'{what}, of the first task; implies --track')


def run(options: Namespace) -> int:
    """Run the command; return the exit status."""
    from mmoneformer.apis import OneFormerInferencer
    from mmoneformer.apis.video import predict_video

    inferencer = OneFormerInferencer(options.config, options.weights, options.device, precision=options.precision)
    try:
        count = predict_video(
            inferencer,
            int(options.source) if options.source.isdecimal() else options.source,
            options.out,
            tasks=options.tasks,
            batch_size=options.batch_size,
            max_frames=options.max_frames,
            show=options.show,
            track=options.track,
            object_files={name: getattr(options, name) for name in ('json', 'coco', 'mots') if getattr(options, name)},
        )
    except KeyboardInterrupt:
        print(f'interrupted: {options.out} has the frames up to here', file=sys.stderr)
        return INTERRUPTED
    print(f'{count} frames: {options.out}')
    return 0
