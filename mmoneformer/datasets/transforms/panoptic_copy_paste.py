"""Pastes things of one image into another."""

import numpy as np

from mmoneformer.datasets.transforms.mix_images import MixTransform, Sample, number_in_turn, set_mixed
from mmoneformer.registry import TRANSFORMS
from mmoneformer.structures import SegmentMap


@TRANSFORMS.register_module()
class PanopticCopyPaste(MixTransform):
    """Paste some things of another image of the data set, as ``mmdet.CopyPaste`` does with masks (arXiv 2012.07177).

    They keep their size. The other image is laid over this one at a random place where it fits, or is cut where it is
    larger; what is below the pasted things is no longer seen. In label maps, all things of a class go together.

    Args:
        max_num_pasted: Greatest number of segments to paste; the number is drawn from 1 on.
        prob: Probability to paste; otherwise the sample is returned unchanged.
    """

    def __init__(self, *, max_num_pasted: int = 100, prob: float = 1.0) -> None:
        super().__init__(prob=prob)
        if max_num_pasted < 1:
            raise ValueError(f'max_num_pasted must be at least 1, got {max_num_pasted}')
        self.max_num_pasted = max_num_pasted

    def mix(self, results: Sample) -> Sample:
        """Paste things of another sample."""
        other = self.draw_other(results)
        own_map, other_map = SegmentMap.of_sample(results), SegmentMap.of_sample(other)
        chosen = self._choose(other, other_map)
        if not chosen:
            return results
        pasted = other_map.merge([[number] for number in chosen])
        (own_ids, pasted_ids), table = number_in_turn([own_map, pasted])
        sides = [_overlap(*pair) for pair in zip(own_ids.shape, pasted_ids.shape, strict=True)]
        here, there = zip(*sides, strict=True)
        covered = table.any(1).take(pasted_ids[there])
        image = results['img'].copy()
        image[here][covered] = other['img'][there][covered]
        own_ids[here][covered] = pasted_ids[there][covered]
        results['img'] = image
        segments = [*results['segments'], *(other['segments'][number] for number in chosen)]
        return set_mixed(results, segments, SegmentMap(own_ids, len(segments), table))

    def _choose(self, other: Sample, segment_map: SegmentMap) -> list[int]:
        """Draw the segments to paste: things that are seen, and no crowds."""
        visible = segment_map.visible()
        things = [
            number
            for number, segment in enumerate(other['segments'])
            if visible[number] and segment['label'] in other['thing_ids'] and not segment['iscrowd']
        ]
        if not things:
            return []
        count = np.random.randint(min(len(things), self.max_num_pasted)) + 1
        return sorted(np.random.choice(things, count, replace=False).tolist())


def _overlap(size: int, other_size: int) -> tuple[slice, slice]:
    """Lay a side of the other image over a side of this one, at random: the part in this one, and in the other."""
    common = min(size, other_size)
    start, other_start = (np.random.randint(side - common + 1) for side in (size, other_size))
    return slice(start, start + common), slice(other_start, other_start + common)
