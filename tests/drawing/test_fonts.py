import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mmoneformer_drawing.fonts import default_font


def drawn(font):
    """Texts at places between pixels, two of them the same."""
    image = Image.new('RGB', (160, 60))
    draw = ImageDraw.Draw(image, 'RGBA')
    for place, text in (((3.25, 2.5), 'class'), ((40.5, 20.75), 'class'), ((80.25, 30.5), 'of others')):
        draw.text(place, text, (200, 30, 10, 150), font)
        draw.text(place, text, 'white', font, anchor='mm')
    return np.asarray(image)


def test_what_is_remembered_is_drawn_as_before():
    font = default_font(15)
    expected = drawn(ImageFont.load_default(15))
    for _ in range(2):
        np.testing.assert_array_equal(drawn(font), expected)
    assert font.getmask2.cache_info().hits >= 6
    assert font is default_font(15)
    assert font.getlength('class') == ImageFont.load_default(15).getlength('class')
