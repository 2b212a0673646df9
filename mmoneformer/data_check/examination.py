"""Reads a sample as training would, and notes what happens to it on the way."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine import fileio
from mmengine.dataset import BaseDataset

from mmoneformer.data_check.sample_record import Fault, SampleRecord, SegmentRecord
from mmoneformer.datasets.random_state import set_random_state
from mmoneformer.datasets.transforms import SampleTask

Sample = dict[str, Any]


class SampleFault(Exception):
    """Says why a sample cannot be used."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def examine(dataset: BaseDataset, index: int) -> SampleRecord:
    """Read a sample through all of the pipeline; what is wrong with it becomes part of the record."""
    record = SampleRecord(path=f'sample {index}')
    try:
        sample = _guarded('annotation', dataset.get_data_info, index)
        record = replace(record, path=sample['img_path'])
        record = replace(record, digest=_guarded('image file', _digest, record.path))
        for transform, results in walk(dataset, index):
            record = _observed(record, transform, results)
    except SampleFault as stop:
        return replace(record, fault=stop.fault)
    return record


def walk(dataset: BaseDataset, index: int) -> Iterator[tuple[BaseTransform, Sample]]:
    """Apply the pipeline step by step, with random numbers that depend on the index alone.

    Yields:
        A transform, and the sample behind it.

    Raises:
        SampleFault: If the sample cannot be used.
    """
    set_random_state(index)
    results = _guarded('annotation', dataset.get_data_info, index)
    if 'fault' in results:
        raise SampleFault(Fault('annotation', ValueError.__name__, results['fault']))
    for transform in dataset.pipeline.transforms:
        step = type(transform).__name__
        results = _guarded(step, transform, results)
        if results is None:
            raise SampleFault(Fault(step, 'rejection', f'{step} takes no such sample'))
        yield transform, results


def samples_of_tasks(results: Mapping[str, Any], sampler: SampleTask) -> dict[str, Sample]:
    """The sample with the targets of each task that may be drawn for it."""
    drawable = [task for task in results['tasks'] if sampler.probabilities.get(task)]
    return {task: SampleTask(probabilities={task: 1.0}).transform(dict(results)) for task in drawable}


def _guarded(step: str, function: Callable[..., Any], argument: Any) -> Any:
    try:
        return function(argument)
    except Exception as error:  # of any type: transforms and their libraries are of many authors
        raise SampleFault(Fault(step, type(error).__name__, str(error))) from error


def _digest(path: str) -> str:
    return hashlib.blake2b(fileio.get(path), digest_size=16).hexdigest()


def _observed(record: SampleRecord, transform: BaseTransform, results: Mapping[str, Any]) -> SampleRecord:
    """The record, with what can be said behind a transform."""
    if 'gt_seg_map' not in results:
        return record
    areas, void = _areas(results)
    if record.annotation is None:
        record = _as_annotated(record, results, areas, void)
    visible = (type(transform).__name__, int(np.count_nonzero(areas)))
    record = replace(record, visible=(*record.visible, visible))
    if isinstance(transform, SampleTask):
        samples = samples_of_tasks(results, transform)
        record = replace(record, targets={task: len(sample['gt_labels']) for task, sample in samples.items()})
    return record


def _areas(results: Mapping[str, Any]) -> tuple[np.ndarray, int]:
    """Pixels of each segment, and of none."""
    members = results.get('gt_members')
    count = len(results['segments']) + 1 if members is None else len(members)
    pixels = np.bincount(results['gt_seg_map'].ravel(), minlength=count)
    return (pixels[1:] if members is None else pixels @ members), int(pixels[0])


def _as_annotated(record: SampleRecord, results: Mapping[str, Any], areas: np.ndarray, void: int) -> SampleRecord:
    annotation = results.get('annotation', 'panoptic')
    segments = tuple(
        SegmentRecord(segment['label'], segment['iscrowd'], int(area))
        for segment, area in zip(results['segments'], areas, strict=True)
        if area or annotation != 'semantic'
    )
    void_share = None if annotation == 'instance' else void / results['gt_seg_map'].size
    return replace(record, annotation=annotation, segments=segments, void_share=void_share)
