"""gradio's field for an image, with the file as it was uploaded."""

from typing import Any

import gradio as gr
from gradio.data_classes import ImageData


def image_drop(**settings: Any) -> gr.Image:
    """Make a field that gives the path of the uploaded file, or None; it takes what gradio's own takes.

    That one opens the file, and its messages on a bad one are not for those who uploaded it. A subclass would be in
    the way: gradio writes a file beside the source of each.
    """
    field = gr.Image(**settings)
    field.preprocess = _path_of  # type: ignore[method-assign]
    return field


def _path_of(payload: ImageData | None) -> str | None:
    return None if payload is None else payload.path
