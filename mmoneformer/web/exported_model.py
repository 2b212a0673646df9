"""An exported file as a model of the page."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData

from mmoneformer.apis.inferencer import Prediction
from mmoneformer.metainfo import Metainfo, resolve_metainfo
from mmoneformer.structures.panoptic_ids import encode_panoptic
from mmoneformer_deploy import Session
from mmoneformer_deploy.result_dicts import ResultDict
from mmoneformer_deploy.run_lengths import decode_mask
from mmoneformer_deploy.task_results import classes_of


class ExportedModel:
    """Predicts as ``OneFormerInferencer`` does, with an exported file.

    Args:
        path: The file.

    Attributes:
        metainfo: The classes.

    Raises:
        ImportError: If its runtime is not installed.
        ValueError: If it is not an exported model.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._session = Session(path)
        self.metainfo: Metainfo = resolve_metainfo(classes_of(self._session.description))

    def stream(self, images: Iterable[np.ndarray], *, tasks: Sequence[str]) -> Iterator[Prediction]:
        """Predict images, BGR, uint8 [H, W, 3], lazily."""
        for number, image in enumerate(images):
            sample = DetDataSample(metainfo={'ori_shape': image.shape[:2]})
            for task, result in self._session(image, tasks).items():
                ADD_RESULT[task](sample, result, self.metainfo)
            yield Prediction(number, image, image, sample)


def _add_panoptic(sample: DetDataSample, result: ResultDict, metainfo: Metainfo) -> None:
    values, things = [len(metainfo['classes'])], 0
    for segment in result['segments']:
        things += segment['is_thing']
        values.append(encode_panoptic(segment['label'], things * segment['is_thing']))
    pixels = torch.tensor(values)[torch.from_numpy(result['id_map']).long()]
    scores = torch.tensor([segment['score'] for segment in result['segments']])
    sample.pred_panoptic_seg = PixelData(sem_seg=pixels[None])
    sample.pred_segments = InstanceData(ids=torch.tensor(values[1:], dtype=torch.int64), scores=scores)


def _add_instances(sample: DetDataSample, result: ResultDict, metainfo: Metainfo) -> None:
    masks = np.zeros((len(result['masks']), *sample.ori_shape), bool)
    for number, mask in enumerate(result['masks']):
        masks[number] = decode_mask(mask)
    sample.pred_instances = InstanceData(
        masks=torch.from_numpy(masks),
        labels=torch.tensor(result['labels'], dtype=torch.int64),
        scores=torch.tensor(result['scores']),
        bboxes=torch.tensor(result['bboxes']).reshape(-1, 4),
    )


def _add_semantic(sample: DetDataSample, result: ResultDict, metainfo: Metainfo) -> None:
    labels = torch.from_numpy(result['label_map']).long()[None]
    sample.pred_sem_seg = PixelData(sem_seg=labels, data=labels)


ADD_RESULT: dict[str, Callable[[DetDataSample, ResultDict, Metainfo], None]] = {
    'panoptic': _add_panoptic,
    'instance': _add_instances,
    'semantic': _add_semantic,
}
