"""A page for the browser: drop an image, see its three segmentations. It needs gradio (the extra ``web``)."""
