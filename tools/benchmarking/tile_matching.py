"""From which IoU two things of neighboring tiles should be one: the panoptic quality of drawn pictures with each."""

from collections.abc import Sequence
from typing import NamedTuple
from unittest import mock

import numpy as np

from benchmarking.mosaics import Mosaic
from benchmarking.tiles import Tiles
from mmoneformer.evaluation.video_panoptic_quality import SegmentedFrame, VideoPanopticQuality
from mmoneformer.tiling import things
from mmoneformer.tiling.merging import MERGERS
from mmoneformer.tiling.network import ModelOfTiles
from mmoneformer.tiling.tile import TileResult

TASK = 'panoptic'
# Values of ``MATCH_IOU``, of things that are cut, and of ``WHOLE_IOU``
IOUS = ((0.3, 0.5), (0.5, 0.5), (0.7, 0.5), (0.9, 0.5), (0.95, 0.5), (0.9, 0.3), (0.9, 0.7), (0.9, 0.9))


class Quality(NamedTuple):
    """How well pictures are segmented.

    Attributes:
        all: PQ in percent.
        things: PQ of things.
        found: Number of things.
        annotated: Number of things there are.
    """

    all: float
    things: float
    found: int
    annotated: int


def quality_by_iou(tiles: Tiles, sizes: Sequence[tuple[int, int]], side: int) -> dict[tuple[float, float], Quality]:
    """The quality for each of ``IOUS``; tiles are predicted once.

    Args:
        tiles: How pictures are cut.
        sizes: Heights and widths of the pictures that are drawn.
        side: Of their scenes, in pixels.
    """
    inferencer = tiles.load()
    metainfo, network = inferencer.metainfo, ModelOfTiles(inferencer.model, inferencer.reader.pipeline)
    metrics = {ious: VideoPanopticQuality(metainfo, windows=(1,)) for ious in IOUS}
    found, annotated = dict.fromkeys(IOUS, 0), 0
    for seed, size in enumerate(sizes):
        mosaic, grid = Mosaic(size, side, seed), tiles.cut(size)
        picture, truth = mosaic.draw(), mosaic.truth(metainfo['classes'])
        annotated += sum(segment['label'] in metainfo['thing_ids'] for segment in truth.segments)
        crops = [np.ascontiguousarray(picture[window.pixels][..., ::-1]) for window in grid.windows]
        seen = [network([crop], [TASK])[0][TASK] for crop in crops]
        for ious, metric in metrics.items():
            with mock.patch.multiple(things, MATCH_IOU=ious[0], WHOLE_IOU=ious[1]):
                merger = MERGERS[TASK](grid, metainfo, None)
                for number, (result, scores) in enumerate(seen):
                    merger.add(TileResult(number, result, scores))
                merged = merger.result()
            metric.add_film([truth], [SegmentedFrame(merged['id_map'], merged['segments'])])
            found[ious] += sum(segment['is_thing'] for segment in merged['segments'])
    computed = {ious: metric.compute() for ious, metric in metrics.items()}
    return {ious: Quality(each['VPQ'], each['VPQ_things'], found[ious], annotated) for ious, each in computed.items()}
