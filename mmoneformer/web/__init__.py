"""A page for the browser: upload an image and see its segmentations. Requires gradio (the extra ``web``)."""
