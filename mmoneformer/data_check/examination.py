"""Reads samples as training does, and records what happens to them."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine import fileio
from mmengine.dataset import BaseDataset
from PIL import Image
from rich.console import Console
from rich.progress import track
from torch.utils.data import DataLoader, Dataset

from mmoneformer.data_check.sample_record import Fault, FaultKind, SampleRecord, SegmentRecord
from mmoneformer.datasets.resumable_loading import set_random_state
from mmoneformer.datasets.transforms import SampleTask
from mmoneformer.datasets.transforms.sample_task import make_targets
from mmoneformer.errors import AnnotationError, AnnotationSizeError, UnknownLabelError, UnreadableFileError
from mmoneformer.structures import SegmentMap, Targets
from mmoneformer.tasks import TASKS

PNG_START, TIFF_STARTS, BITS_PER_SAMPLE = b'\x89PNG', (b'II*\0', b'MM\0*'), 258
ANNOTATION, IMAGE_FILE = 'annotation', 'image file'  # steps before the pipeline
KINDS = {  # the first class that fits counts
    FileNotFoundError: FaultKind.MISSING_FILE,
    AnnotationSizeError: FaultKind.ANNOTATION_SIZE,
    UnknownLabelError: FaultKind.UNKNOWN_LABEL,
    AnnotationError: FaultKind.INCONSISTENT_ANNOTATION,
    UnreadableFileError: FaultKind.UNREADABLE_FILE,
}

Sample = dict[str, Any]


class SampleFault(Exception):
    """Why a sample cannot be used."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class _Examined(Dataset):
    """A data set whose items are records."""

    def __init__(self, dataset: BaseDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> SampleRecord:
        return examine(self.dataset, index)


def examine_all(dataset: BaseDataset, *, title: str, workers: int) -> list[SampleRecord]:
    """Examine all samples, with a progress bar.

    Args:
        dataset: A data set with its pipeline.
        title: Title of the progress bar.
        workers: Number of worker processes; 0 uses the current process.
    """
    loader = DataLoader(
        _Examined(dataset), batch_size=None, collate_fn=_identity, num_workers=workers, worker_init_fn=_use_one_thread
    )
    return list(track(loader, title, total=len(dataset), console=Console(stderr=True)))


def examine(dataset: BaseDataset, index: int) -> SampleRecord:
    """Run a sample through the pipeline; an error becomes the fault of the record."""
    record = SampleRecord(path=f'sample {index}')
    try:
        sample = _guarded(ANNOTATION, dataset.get_data_info, index)
        record = replace(record, path=sample['img_path'])
        content = _guarded(IMAGE_FILE, fileio.get, record.path)
        record = replace(record, digest=_digest(content), greatest=_greatest_value(content))
        for transform, results in walk(dataset, index):
            record = _observed(record, transform, results)
    except SampleFault as stop:
        return replace(record, fault=stop.fault)
    return record


def walk(dataset: BaseDataset, index: int) -> Iterator[tuple[BaseTransform, Sample]]:
    """Apply the pipeline step by step, with a random state that depends on the index only.

    Yields:
        A transform, and the sample after it.

    Raises:
        SampleFault: If the sample cannot be used.
    """
    set_random_state(index)
    results = _guarded(ANNOTATION, dataset.get_data_info, index)
    if 'error' in results:
        raise SampleFault(_fault(ANNOTATION, results['error']))
    for transform in dataset.pipeline.transforms:
        step = type(transform).__name__
        results = _guarded(step, transform, results)
        if results is None:
            raise SampleFault(Fault(FaultKind.REJECTED, step, 'rejected', f'{step} returned None'))
        yield transform, results


def targets_of_tasks(results: Mapping[str, Any], sampler: SampleTask) -> dict[str, Targets]:
    """Return the targets of a sample for each task that may be drawn for it."""
    segment_map = SegmentMap.of_sample(results)
    drawable = [task for task in results['tasks'] if sampler.probabilities.get(task)]
    return {task: make_targets(results, segment_map, TASKS[task]) for task in drawable}


def _guarded(step: str, function: Callable[..., Any], argument: Any) -> Any:
    try:
        return function(argument)
    except Exception as error:  # of any class: transforms may come from any library
        raise SampleFault(_fault(step, error)) from error


def _fault(step: str, error: Exception) -> Fault:
    kind = next((kind for kind_of_error, kind in KINDS.items() if isinstance(error, kind_of_error)), None)
    return Fault(kind or _kind_of_step(step), step, type(error).__name__, str(error))


def _kind_of_step(step: str) -> FaultKind:
    """What an error that is none of ours means."""
    if step == ANNOTATION:
        return FaultKind.INCONSISTENT_ANNOTATION
    is_loading = step == IMAGE_FILE or step.startswith('Load')
    return FaultKind.UNREADABLE_FILE if is_loading else FaultKind.FAILED


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _greatest_value(content: bytes) -> int | None:
    """Greatest value of a picture of 16 bits per value; None for any other."""
    if content.startswith(PNG_START):
        is_deep = content[24:25] == b'\x10'  # bit depth
    else:
        is_deep = content.startswith(TIFF_STARTS) and _bits_of_tiff(content) == 16
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED) if is_deep else None
    return None if picture is None else int(picture.max())


def _bits_of_tiff(content: bytes) -> int:
    try:
        with Image.open(BytesIO(content)) as picture:
            return getattr(picture, 'tag_v2', {}).get(BITS_PER_SAMPLE, (1,))[0]
    except (OSError, ValueError):  # a kind of TIFF that Pillow does not read, or a damaged one
        return 16


def _observed(record: SampleRecord, transform: BaseTransform, results: Mapping[str, Any]) -> SampleRecord:
    """Add what can be seen after a transform."""
    if 'gt_seg_map' not in results:
        return record
    segment_map = SegmentMap.of_sample(results)
    areas = segment_map.areas()
    if record.annotation is None:
        record = _as_annotated(record, results, segment_map, areas)
    visible = (type(transform).__name__, int(np.count_nonzero(areas)))
    record = replace(record, visible=(*record.visible, visible))
    if isinstance(transform, SampleTask):
        targets = targets_of_tasks(results, transform)
        record = replace(record, targets={task: len(found) for task, found in targets.items()})
    return record


def _as_annotated(
    record: SampleRecord, results: Mapping[str, Any], segment_map: SegmentMap, areas: np.ndarray
) -> SampleRecord:
    annotation = results.get('annotation', 'panoptic')
    segments = tuple(
        SegmentRecord(segment['label'], segment['iscrowd'], int(area))
        for segment, area in zip(results['segments'], areas, strict=True)
        if area or annotation != 'semantic'
    )
    void_share = None if annotation == 'instance' else segment_map.void_area() / segment_map.ids.size
    return replace(record, annotation=annotation, segments=segments, void_share=void_share)


def _identity(record: Any) -> Any:
    return record


def _use_one_thread(worker: int) -> None:
    cv2.setNumThreads(0)  # the workers share the cores
