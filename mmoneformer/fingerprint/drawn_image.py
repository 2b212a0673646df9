"""The image that models are compared with: drawn by integer arithmetic, so that it is the same everywhere."""

import numpy as np

HEIGHT, WIDTH = 160, 224  # multiples of 32: no model pads it
STRIPE = 6  # pixels

Color = tuple[int, int, int]

SKY: Color = (120, 170, 230)
SUN: Color = (250, 220, 90)
WALL: Color = (170, 80, 60)
DOOR: Color = (60, 40, 30)


def drawn_image() -> np.ndarray:
    """Draw a house in the sun on a striped field: flat, textured and thin parts of any color.

    Returns:
        RGB, uint8 [160, 224, 3].
    """
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    image = np.empty((HEIGHT, WIDTH, 3), np.int64)
    image[:] = SKY
    image -= rows[..., None] // 2  # darker toward the horizon
    image[(rows - 30) ** 2 + (columns - 180) ** 2 < 20**2] = SUN
    field = rows >= 100
    image[field] = _field(rows, columns)[field]
    image[(rows >= 60) & (rows < 130) & (columns >= 40) & (columns < 120)] = WALL
    image[(rows < 60) & (rows >= 30) & (abs(columns - 80) < 2 * (rows - 30) // 2 + 12)] = (90, 50, 110)  # roof
    image[(rows >= 95) & (rows < 130) & (columns >= 70) & (columns < 90)] = DOOR
    image[abs(rows - columns // 2) < 2] //= 3  # a wire across everything
    return image.clip(0, 255).astype(np.uint8)


def _field(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Stripes with a texture that looks like noise: squares modulo a prime."""
    noise = (rows * rows * 31 + columns * columns * 17 + rows * columns * 7) % 61
    stripes = (rows + columns) // STRIPE % 2 * 40
    return np.stack([40 + noise + stripes, 110 + noise, 30 + noise // 2 + stripes], axis=-1)
