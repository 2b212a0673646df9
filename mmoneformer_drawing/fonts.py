"""The font of drawings; what it has drawn once is remembered, as the names of classes come again on each image."""

from functools import cache, lru_cache

from PIL import ImageFont

REMEMBERED = 4096  # texts of a size, each with its place between two pixels

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@cache
def default_font(size: int) -> Font:
    """Pillow's font, in a size in pixels."""
    font = ImageFont.load_default(size)
    for name in ('getmask2', 'getlength', 'getbbox'):  # their results are not changed by who draws them
        if hasattr(font, name):
            setattr(font, name, lru_cache(REMEMBERED)(getattr(font, name)))
    return font
