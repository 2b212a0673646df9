"""How large pictures are cut into tiles, and rasters are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from mmcv.transforms import Compose, Resize

from mmoneformer.tiling.grid import Size, TileGrid
from mmoneformer_deploy.resize import resized_size

SHRINK = 4.0  # 'auto' cuts what the test pipeline would reduce more: things of 64 pixels have 16, one at stride 16
AUTO_SIDE = 1024  # of the tiles of 'auto', where the test pipeline does not say how large images are
OVERLAP = 4  # by default, neighboring tiles share this part of their side: a quarter

Side = int | Literal['auto']


class InputSize(NamedTuple):
    """To which size a test pipeline resizes images.

    Attributes:
        scale: As mmcv's ``Resize`` has it; None if images keep their size.
        keep_ratio: Whether they keep their ratio of width to height.
    """

    scale: tuple[int, int] | None
    keep_ratio: bool = True

    @classmethod
    def of(cls, pipeline: Compose) -> 'InputSize':
        """That of the first transform that resizes to a scale."""
        resizes = [step for step in pipeline.transforms if isinstance(step, Resize) and step.scale is not None]
        return cls(resizes[0].scale, resizes[0].keep_ratio) if resizes else cls(None)

    @property
    def side(self) -> int:
        """Side of a square that is not reduced."""
        return AUTO_SIDE if self.scale is None else min(self.scale)

    @property
    def longest(self) -> int:
        """Longer side of a picture that is not reduced."""
        return AUTO_SIDE if self.scale is None else max(self.scale)

    def shrink(self, size: Size) -> float:
        """How many times a picture is higher or wider than the network sees it; without a scale, than a tile."""
        if self.scale is None:
            return max(size) / AUTO_SIDE
        resized = resized_size(size, self.scale, keep_ratio=self.keep_ratio)
        return max(size[0] / resized[0], size[1] / resized[1])


@dataclass(frozen=True)
class Tiling:
    """How pictures are cut into tiles, and rasters are read and written.

    Attributes:
        tile: Side of the tiles, in pixels. 'auto' cuts pictures that the test pipeline would reduce more than
            four times, into tiles that it does not reduce.
        overlap: Pixels that neighboring tiles share at least; None for a quarter of their side.
        context: Whether a pass over the reduced picture decides its stuff, and tiles only decide things.
        bands: Of rasters: the bands that are read, see ``Raster``.
        value_range: Of rasters: the values that become black and white.
        polygons: Of rasters: format of the outlines that are written, see ``GeoFiles``.

    Raises:
        ValueError: If the side is not positive, or the overlap is negative or more than half of the side.
    """

    tile: Side
    overlap: int | None = None
    context: bool = False
    bands: Sequence[int] | None = None
    value_range: Sequence[float] | None = None
    polygons: str = 'geojson'

    def __post_init__(self) -> None:
        if self.tile != 'auto':
            if not isinstance(self.tile, int):
                raise ValueError(f"tile must be 'auto' or a number of pixels, got {self.tile!r}")
            self._cut((1, 1), self.tile)

    def grid(self, size: Size, input_size: InputSize) -> TileGrid:
        """The tiles of a picture of some height and width.

        Raises:
            ValueError: If the overlap is more than half of the side of 'auto'.
        """
        if self.tile != 'auto':
            return self._cut(size, self.tile)
        if input_size.shrink(size) <= SHRINK:
            return TileGrid(size, max(size), 0)
        return self._cut(size, input_size.side)

    def _cut(self, size: Size, side: int) -> TileGrid:
        return TileGrid(size, side, side // OVERLAP if self.overlap is None else self.overlap)
