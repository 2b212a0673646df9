"""The page: its elements, and what its button does."""

import asyncio
from importlib.resources import files
from pathlib import Path
from tempfile import mkdtemp

import gradio as gr

from mmoneformer.tasks import TASKS
from mmoneformer.web.cards import make_cards
from mmoneformer.web.model_queue import BusyError, ModelQueue
from mmoneformer.web.upload import BadUploadError, read_upload, upload_field
from mmoneformer_drawing.painting import OPACITY

TITLE = 'mmoneformer'
INTRODUCTION = """# mmoneformer
One model, three segmentations: upload an image, choose the tasks, and point at a segment for details."""
NOTHING_YET = '<div class="nothing-yet">The results appear here.</div>'
SET_OPACITY = "(percent) => document.documentElement.style.setProperty('--overlay-opacity', percent / 100)"
HOUR = 3600  # seconds
STYLE = files(__package__).joinpath('page.css').read_text()
SCRIPT = files(__package__).joinpath('cards.js').read_text()


def theme() -> gr.themes.Base:
    """Colors and fonts; only fonts of the visitor's system are used."""
    return gr.themes.Default(
        primary_hue='teal',
        neutral_hue='slate',
        font=['system-ui', 'sans-serif'],
        font_mono=['ui-monospace', 'monospace'],
    )


def build_page(queue: ModelQueue) -> gr.Blocks:
    """Build the page; pass ``STYLE`` and ``theme()`` to its ``launch``.

    Args:
        queue: Predicts the images.
    """
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=(HOUR, HOUR)) as page:
        gr.Markdown(INTRODUCTION)
        with gr.Row():
            with gr.Column(scale=1, min_width=300):
                image = upload_field(label='Image', sources=['upload', 'clipboard'], height=280, elem_id='image')
                model = gr.Dropdown(
                    queue.names, label='Model', value=queue.names[0], visible=len(queue.names) > 1, elem_id='model'
                )
                tasks = gr.CheckboxGroup(
                    [(task.capitalize(), task) for task in TASKS], value=list(TASKS), label='Tasks', elem_id='tasks'
                )
                button = gr.Button('Predict', variant='primary', elem_id='predict')
                opacity = gr.Slider(0, 100, round(100 * OPACITY), step=1, label='Opacity (%)', elem_id='opacity')
            with gr.Column(scale=4, min_width=340):
                cards = gr.HTML(NOTHING_YET, js_on_load=SCRIPT, elem_id='cards', min_height=280)
                downloads = gr.File(label='Downloads', file_count='multiple', interactive=False, elem_id='downloads')

        async def respond(file: str | None, model_name: str, task_names: list[str]) -> tuple[str, list[str]]:
            """Predict the uploaded image."""
            if file is None:
                raise gr.Error('Upload an image first.', title='No image', print_exception=False)
            try:
                pixels = await asyncio.to_thread(read_upload, Path(file))
                folder = Path(mkdtemp(dir=page.GRADIO_CACHE))
                answer = await queue.predict(model_name, pixels, task_names, folder, Path(file).stem)
            except (BadUploadError, BusyError, ValueError) as error:
                raise gr.Error(str(error), title='Not predicted', print_exception=False) from error
            return make_cards(answer.views), [str(path) for path in answer.files]

        button.click(respond, [image, model, tasks], [cards, downloads], concurrency_limit=None, api_name='predict')
        opacity.input(None, opacity, js=SET_OPACITY)
    return page
