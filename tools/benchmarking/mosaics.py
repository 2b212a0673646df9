"""Pictures of any size whose segments are known: drawn scenes side by side."""

from collections.abc import Sequence

import numpy as np

from mmoneformer.datasets.shapes.scene import draw_scene
from mmoneformer.evaluation.video_panoptic_quality import SegmentedFrame

DIFFERENT = 64  # scenes at most, each of each of which is drawn again and again


class Mosaic:
    """A picture of h x w pixels, cut at its right and lower edge as its scenes are.

    Args:
        size: Height and width.
        side: Shorter side of a scene, of which a square is taken.
        seed: Of everything that is drawn.
    """

    def __init__(self, size: tuple[int, int], side: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._size, self._side = size, side
        self._chosen = rng.integers(DIFFERENT, size=(-(-size[0] // side), -(-size[1] // side)))
        self._scenes = {number: draw_scene(rng, side) for number in np.unique(self._chosen).tolist()}

    def draw(self) -> np.ndarray:
        """The picture: RGB, uint8 [h, w, 3]."""
        picture = np.empty((*self._size, 3), np.uint8)
        images = {number: scene.image.astype(np.uint8) for number, scene in self._scenes.items()}
        for (row, column), number in np.ndenumerate(self._chosen):
            self._paste(picture, row, column, images[number])
        return picture

    def truth(self, classes: Sequence[str]) -> SegmentedFrame:
        """Its segments, each with the index of its class: stuff is one segment of its class, as in a result."""
        id_map, labels = np.zeros(self._size, np.int64), list(range(len(classes)))
        crowds = set()
        for (row, column), number in np.ndenumerate(self._chosen):
            scene = self._scenes[number]
            ids = np.zeros_like(scene.ids)
            for segment in scene.segments:
                label = classes.index(segment.category.name)
                if segment.category.isthing:
                    labels.append(label)
                    crowds |= {len(labels)} if segment.iscrowd else set()
                ids[scene.ids == segment.id] = len(labels) if segment.category.isthing else label + 1
            self._paste(id_map, row, column, ids)
        visible = np.unique(id_map[id_map > 0]).tolist()
        return SegmentedFrame(
            id_map, [{'id': number, 'label': labels[number - 1], 'iscrowd': number in crowds} for number in visible]
        )

    def _paste(self, picture: np.ndarray, row: int, column: int, pixels: np.ndarray) -> None:
        part = picture[row * self._side :, column * self._side :][: self._side, : self._side]
        part[:] = pixels[: part.shape[0], : part.shape[1]]
