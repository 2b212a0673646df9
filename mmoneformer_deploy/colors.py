"""Colors of regions: those of their classes, with a shade for each further region of a class."""

import colorsys
from collections import Counter
from collections.abc import Sequence

HUE_RANGE = 0.14  # of the regions of a class, as a share of the color wheel
STEPS = (0.8191725133961645, 0.6710436067037893, 0.5497004779019703)  # their multiples fill a cube evenly

Color = tuple[int, int, int]


def region_colors(
    labels: Sequence[int], palette: Sequence[Sequence[int]], shades: Sequence[int] | None = None
) -> list[Color]:
    """Color regions: the first of a class by the palette, the others by shades of that color.

    Args:
        labels: Class index of each region.
        palette: RGB, 0 to 255, of each class.
        shades: Number of the shade of each region, 0 for the color itself; None to count the regions of each class.

    Returns:
        RGB, 0 to 255, of each region.
    """
    if shades is not None:
        return [_shade(palette[label], shade) for label, shade in zip(labels, shades, strict=True)]
    seen: Counter[int] = Counter()
    colors = []
    for label in labels:
        colors.append(_shade(palette[label], seen[label]))
        seen[label] += 1
    return colors


def _shade(color: Sequence[int], index: int) -> Color:
    """A shade of a color, the color itself for index 0; consecutive shades differ in hue and brightness."""
    red, green, blue = color
    if index == 0:
        return red, green, blue
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    along, pale, dark = (index * step % 1 for step in STEPS)
    hue = (hue + (along - 0.5) * HUE_RANGE) % 1
    saturation = max(saturation, 0.6) * (1 - 0.5 * pale)
    value = max(value, 0.8) * (1 - 0.45 * dark)
    red, green, blue = (round(channel * 255) for channel in colorsys.hsv_to_rgb(hue, saturation, value))
    return red, green, blue
