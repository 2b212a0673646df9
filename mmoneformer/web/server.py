"""Serves the page."""

import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.web.exported_model import ExportedModel
from mmoneformer_deploy.runtimes import is_exported

if TYPE_CHECKING:
    from gradio import Blocks

    from mmoneformer.web.model_queue import PageModel

TERMINATED = 143  # exit status, as shells have it


def serve(weights: Sequence[str], *, host: str, port: int, device: str, max_mb: float) -> None:
    """Serve the page until interrupted.

    Args:
        weights: Checkpoints or names of released models, as for ``init_model``, or exported files; the page offers a
            choice of several.
        host: Address to listen on; '127.0.0.1' accepts connections from this machine only.
        port: Port to listen on.
        device: Device of the models; 'auto' if there are exported files among them.
        max_mb: Maximum size of an upload in MiB.

    Raises:
        ImportError: If gradio is not installed, or the runtime of an exported file.
        OSError: If the port is taken.
        ValueError: As ``init_model``.
    """
    if find_spec('gradio') is None:
        raise ImportError("the page needs gradio: pip install 'mmoneformer[web]', or pip install gradio")
    models = {name: _open_model(file, device) for name, file in name_models(weights).items()}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # so that the folder is removed
    with (
        TemporaryDirectory(prefix='mmoneformer-') as folder,
        closing(open_page(models, folder=folder, host=host, port=port, max_mb=max_mb)) as page,
    ):
        print(f'{page.local_url}  (Ctrl-C to stop)', flush=True)
        threading.Event().wait()


def _open_model(weights: str, device: str) -> 'PageModel':
    if not is_exported(weights):
        return OneFormerInferencer(weights=weights, device=device, show_progress=False)
    if device != 'auto':
        raise ValueError(
            f'{weights} is an exported file, whose runtime chooses the device: leave out --device {device}'
        )
    return ExportedModel(weights)


def open_page(
    models: Mapping[str, 'PageModel'], *, folder: str, host: str, port: int | None, max_mb: float
) -> 'Blocks':
    """Start to serve the page in background threads; data is sent to its visitors only.

    Args:
        models: Models by name.
        folder: Folder for uploads and results, each of which is kept for about an hour.
        host: As in ``serve``.
        port: Port to listen on; None for a free one.
        max_mb: As in ``serve``.

    Returns:
        The page; its ``close`` stops serving.

    Raises:
        OSError: If the port is taken.
    """
    os.environ['GRADIO_TEMP_DIR'] = folder  # gradio reads it when elements are created
    from mmoneformer.web.model_queue import ModelQueue
    from mmoneformer.web.page import STYLE, build_page, theme

    page = build_page(ModelQueue(models))
    try:
        page.launch(
            server_name=host,
            server_port=port,
            max_file_size=round(max_mb * 2**20),
            prevent_thread_lock=True,
            share=False,
            quiet=True,
            footer_links=[],
            theme=theme(),
            css=STYLE,
        )
    except OSError as error:
        raise OSError(f'cannot listen on {host}, port {port}: it may be in use, choose another with --port') from error
    return page


def name_models(weights: Sequence[str]) -> dict[str, str]:
    """Name models by their files, or by their full paths if several files have the same name."""
    stems = [Path(file).stem for file in weights]
    return {stem if stems.count(stem) == 1 else file: file for stem, file in zip(stems, weights, strict=True)}
