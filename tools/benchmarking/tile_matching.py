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
IOUS = (0.3, 0.5, 0.7, 0.9, 0.95)


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


def quality_by_iou(tiles: Tiles, sizes: Sequence[tuple[int, int]], side: int) -> dict[float, Quality]:
    """The quality for each of ``IOUS``; tiles are predicted once.

    Args:
        tiles: How pictures are cut.
        sizes: Heights and widths of the pictures that are drawn.
        side: Of their scenes, in pixels.
    """
    inferencer = tiles.load()
    metainfo, network = inferencer.metainfo, ModelOfTiles(inferencer.model, inferencer.reader.pipeline)
    metrics = {iou: VideoPanopticQuality(metainfo, windows=(1,)) for iou in IOUS}
    found, annotated = dict.fromkeys(IOUS, 0), 0
    for seed, size in enumerate(sizes):
        mosaic, grid = Mosaic(size, side, seed), tiles.cut(size)
        picture, truth = mosaic.draw(), mosaic.truth(metainfo['classes'])
        annotated += sum(segment['label'] in metainfo['thing_ids'] for segment in truth.segments)
        crops = [np.ascontiguousarray(picture[window.pixels][..., ::-1]) for window in grid.windows]
        seen = [network([crop], [TASK])[0][TASK] for crop in crops]
        for iou, metric in metrics.items():
            with mock.patch.object(things, 'MATCH_IOU', iou):
                merger = MERGERS[TASK](grid, metainfo, None)
                for number, (result, scores) in enumerate(seen):
                    merger.add(TileResult(number, result, scores))
                merged = merger.result()
            metric.add_film([truth], [SegmentedFrame(merged['id_map'], merged['segments'])])
            found[iou] += sum(segment['is_thing'] for segment in merged['segments'])
    computed = {iou: metric.compute() for iou, metric in metrics.items()}
    return {iou: Quality(each['VPQ'], each['VPQ_things'], found[iou], annotated) for iou, each in computed.items()}
