"""Predict the frames of a video or a camera: python tools/video_demo.py VIDEO --weights CKPT."""

import sys
from collections.abc import Sequence

from mmoneformer_cli import video
from mmoneformer_cli.running import run_tool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    return run_tool(video, arguments)


if __name__ == '__main__':
    sys.exit(main())
