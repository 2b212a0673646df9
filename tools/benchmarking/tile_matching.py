"""From which IoU two things of neighboring tiles should be one: the panoptic quality of drawn pictures with each."""

from collections.abc import Sequence
from unittest import mock

import numpy as np

from benchmarking.mosaics import Mosaic
from benchmarking.tiles import Tiles
from mmoneformer.evaluation.video_panoptic_quality import SegmentedFrame, VideoPanopticQuality
from mmoneformer.tiling import things
from mmoneformer.tiling.merging import MERGERS
from mmoneformer.tiling.network import ModelOfTiles
from mmoneformer.tiling.tile import TileResult

IOUS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
TASK = 'panoptic'


def quality_by_iou(tiles: Tiles, sizes: Sequence[tuple[int, int]]) -> dict[float, dict[str, float]]:
    """For each value of ``MATCH_IOU``, the quality of drawn pictures, in percent, and the number of things."""
    inferencer = tiles.load()
    metainfo, network = inferencer.metainfo, ModelOfTiles(inferencer.model, inferencer.reader.pipeline)
    metrics = {iou: VideoPanopticQuality(metainfo, windows=(1,)) for iou in IOUS}
    counts = dict.fromkeys(('annotated', *IOUS), 0)
    for seed, size in enumerate(sizes):
        mosaic, grid = Mosaic(size, tiles.tile, seed), tiles.cut(size)
        picture, truth = mosaic.draw(), mosaic.truth(metainfo['classes'])
        counts['annotated'] += sum(segment['label'] in metainfo['thing_ids'] for segment in truth.segments)
        crops = [np.ascontiguousarray(picture[window.pixels][..., ::-1]) for window in grid.windows]
        found = [network([crop], [TASK])[0][TASK] for crop in crops]
        for iou, metric in metrics.items():
            with mock.patch.object(things, 'MATCH_IOU', iou):
                merger = MERGERS[TASK](grid, metainfo, None)
                for number, (result, scores) in enumerate(found):
                    merger.add(TileResult(number, result, scores))
                merged = merger.result()
            metric.add_film([truth], [SegmentedFrame(merged['id_map'], merged['segments'])])
            counts[iou] += sum(segment['is_thing'] for segment in merged['segments'])
    return {
        iou: {'PQ': found['VPQ'], 'PQ_things': found['VPQ_things'], 'things': counts[iou], 'true': counts['annotated']}
        for iou, found in ((iou, metric.compute()) for iou, metric in metrics.items())
    }
