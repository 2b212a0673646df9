"""Makes one image of four."""

from collections.abc import Sequence

import mmcv
import numpy as np

from mmoneformer.datasets.transforms.mix_images import MixTransform, Sample, number_in_turn, set_mixed
from mmoneformer.registry import TRANSFORMS
from mmoneformer.structures import SegmentMap


@TRANSFORMS.register_module()
class PanopticMosaic(MixTransform):
    """Join an image and three others at a random point, as ``mmdet.Mosaic`` does with boxes.

    Each of them is resized to fit into ``img_scale``, with its aspect ratio. The result has twice that size, and void
    where no image is: crop it afterwards. The sample keeps the path and the id of the first image, which is at the top
    left.

    Args:
        img_scale: Width and height of each image, in pixels.
        center_ratio_range: Range of the point where the images meet, in units of ``img_scale``.
        pad_val: Value of the image where there is none, 0 to 255.
        prob: Probability to make a mosaic; otherwise the sample is returned unchanged.
    """

    def __init__(
        self,
        *,
        img_scale: tuple[int, int] = (640, 640),
        center_ratio_range: tuple[float, float] = (0.5, 1.5),
        pad_val: float = 114.0,
        prob: float = 1.0,
    ) -> None:
        super().__init__(prob=prob)
        if min(img_scale) < 1 or not 0 <= center_ratio_range[0] <= center_ratio_range[1] <= 2:
            raise ValueError(
                f'img_scale must be at least (1, 1), and center_ratio_range two ascending numbers from 0 to 2, got '
                f'{img_scale} and {center_ratio_range}'
            )
        self.img_scale = img_scale
        self.center_ratio_range = center_ratio_range
        self.pad_val = pad_val

    def mix(self, results: Sample) -> Sample:
        """Join the sample and three others."""
        samples = [results, *(self.draw_other(results) for _ in range(3))]
        ids, table = number_in_turn([SegmentMap.of_sample(sample) for sample in samples])
        width, height = self.img_scale
        image = np.full((2 * height, 2 * width, *results['img'].shape[2:]), self.pad_val, results['img'].dtype)
        id_map = np.zeros(image.shape[:2], np.int32)
        center = [round(side * np.random.uniform(*self.center_ratio_range)) for side in (height, width)]
        for number, (sample, own_ids) in enumerate(zip(samples, ids, strict=True)):
            size = self._fitting(own_ids.shape)
            axes = zip(_corner(number), center, size, id_map.shape, strict=True)
            there, here = zip(*(_overlap(*axis) for axis in axes), strict=True)
            image[there] = mmcv.imresize(sample['img'], size[::-1])[here]
            id_map[there] = mmcv.imresize(own_ids.astype(np.float32), size[::-1], interpolation='nearest')[here]
        segments = [segment for sample in samples for segment in sample['segments']]
        results['img'] = image
        return set_mixed(results, segments, SegmentMap(id_map, len(segments), table))

    def _fitting(self, size: Sequence[int]) -> tuple[int, int]:
        """Height and width of an image that fits into ``img_scale``."""
        width, height = self.img_scale
        ratio = min(height / size[0], width / size[1])
        return max(round(size[0] * ratio), 1), max(round(size[1] * ratio), 1)


def _corner(number: int) -> tuple[bool, bool]:
    """Whether an image is below the center, and to its right."""
    return number >= 2, number % 2 == 1


def _overlap(is_after: bool, center: int, size: int, total: int) -> tuple[slice, slice]:
    """Where an image that begins or ends at the center is on one axis: in the result, and in the image."""
    start = center if is_after else center - size
    low, high = max(start, 0), min(start + size, total)
    return slice(low, max(high, low)), slice(low - start, max(high, low) - start)
