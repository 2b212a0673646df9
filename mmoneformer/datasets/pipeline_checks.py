"""Refuses pipelines in which a transform would change an image and not its id map, before anything is trained."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import mmcv.transforms as of_mmcv
import mmdet.datasets.transforms as of_mmdet
import mmseg.datasets.transforms as of_mmseg
from mmcv.transforms import BaseTransform
from mmdet.datasets.transforms.formatting import WrapFieldsToLists
from mmengine.dataset import Compose

from mmoneformer.datasets.transforms import LoadInstanceMap, LoadPanopticMap, LoadSegments, LoadSemanticMap
from mmoneformer.datasets.transforms.mix_images import MixTransform
from mmoneformer.structures.segment_map import FILL

LOADERS = (LoadInstanceMap, LoadPanopticMap, LoadSegments, LoadSemanticMap)


@dataclass(frozen=True)
class Rule:
    """Transforms that id maps do not go through.

    Attributes:
        transforms: Their classes; subclasses count, too.
        reason: What is wrong with them, and what to use instead.
        applies: Whether a transform of these classes is refused, which may depend on its arguments.
        in_test: Whether they are refused in test pipelines.
        in_training: Whether they are refused in training.
    """

    transforms: tuple[type, ...]
    reason: str
    applies: Callable[[Any], bool] = lambda transform: True
    in_test: bool = True
    in_training: bool = True


RULES = (
    Rule(
        (of_mmdet.Mosaic, of_mmseg.RandomMosaic),
        'mixes images by their boxes or class indices, and segment numbers differ between images: use PanopticMosaic',
    ),
    Rule(
        (of_mmdet.MixUp, of_mmdet.CachedMixUp),
        'blends images, and a pixel of an id map is of one image: leave it out, or use PanopticMosaic',
    ),
    Rule(
        (of_mmdet.CopyPaste, of_mmdet.InstaBoost),
        'pastes boxes and masks, and not segments of gt_seg_map: use PanopticCopyPaste',
    ),
    Rule(
        (MixTransform,),
        'mixes images, which are evaluated one by one: leave it out',
        in_training=False,
    ),
    Rule(
        (of_mmdet.RandomAffine, of_mmdet.RandomShift, of_mmdet.MinIoURandomCrop, of_mmdet.RandomCenterCropPad),
        'moves image and boxes, and not gt_seg_map: use mmdet.RandomCrop, Expand, Rotate, ShearX or TranslateX',
    ),
    Rule(
        (of_mmdet.Albu, of_mmseg.Albu),
        "does not pass on gt_seg_map: set keymap=dict(img='image', gt_seg_map='mask')",
        lambda transform: 'gt_seg_map' not in transform.keymap_to_albu,
    ),
    Rule(
        (of_mmseg.RandomRotFlip,),
        'interpolates between segment numbers when it rotates: set rotate_prob=0 and use mmseg.RandomRotate',
        lambda transform: transform.rotate_prob > 0,
    ),
    Rule(
        (of_mmdet.Expand,),
        f'does not know what to fill gt_seg_map with: set seg_ignore_label={FILL}',
        lambda transform: transform.seg_ignore_label is None,
    ),
    Rule(
        (of_mmdet.FixScaleResize,),
        'rounds the size of the image and that of gt_seg_map differently with keep_ratio=True: use mmdet.Resize',
        lambda transform: transform.keep_ratio,
    ),
    Rule(
        (of_mmcv.RandomFlip,),
        'swaps segment numbers as if they were class indices: leave out swap_seg_labels',
        lambda transform: transform.swap_seg_labels is not None,
    ),
    Rule(
        (of_mmdet.Transpose,),
        'swaps axes of the image alone: leave it out',
        lambda transform: 'img' in transform.keys,
    ),
    Rule(
        (of_mmdet.SegRescale, of_mmseg.SegRescale),
        'scales gt_seg_map and not the image: leave it out',
        lambda transform: transform.scale_factor != 1,
    ),
    Rule(
        (of_mmseg.BioMedical3DPad, of_mmseg.BioMedical3DRandomCrop, of_mmseg.BioMedical3DRandomFlip),
        'takes volumes, and not images: use Pad, RandomCrop or RandomFlip of mmdet',
    ),
    Rule(
        (of_mmcv.LoadAnnotations, of_mmdet.LoadEmptyAnnotations),
        'replaces gt_seg_map by class indices: use LoadSegments (LoadPanopticMap) alone',
        lambda transform: transform.with_seg,
    ),
    Rule(
        (of_mmseg.LoadBiomedicalAnnotation,),
        'replaces gt_seg_map by class indices: use LoadSegments (LoadPanopticMap) alone',
    ),
    Rule(
        (of_mmdet.PackDetInputs, of_mmdet.PackTrackInputs, of_mmdet.PackReIDInputs, of_mmseg.PackSegInputs),
        'makes no targets of segments: end the pipeline with SampleTask (only in training) and PackOneFormerInputs',
    ),
    Rule(
        (of_mmdet.MultiBranch,),
        'makes several samples of one, and the model takes one: write the transforms of one branch into the pipeline',
    ),
    Rule(
        (of_mmcv.MultiScaleFlipAug, of_mmcv.TestTimeAug, WrapFieldsToLists),
        'makes several samples of one: in training, use RandomResize and RandomFlip',
        in_test=False,
    ),
    Rule(
        (of_mmcv.KeyMapper,),
        "takes the image and not gt_seg_map out of its transforms: add gt_seg_map='gt_seg_map' to its mapping",
        lambda transform: 'img' in (keys := list(_outer_keys(transform.remapping))) and 'gt_seg_map' not in keys,
    ),
)


def check_pipeline(pipeline: Compose, *, source: str, test_mode: bool) -> None:
    """Check that image and id map stay together in a pipeline.

    Args:
        pipeline: As built by a data set.
        source: The data set, for the message.
        test_mode: Whether it is one of evaluation, which is checked if it loads id maps.

    Raises:
        ValueError: If a transform of mmcv, mmdet or mmseg is known to separate them, or fills the map with a segment.
    """
    transforms = list(all_transforms(pipeline))
    if test_mode and not any(isinstance(transform, LOADERS) for transform in transforms):
        return
    for transform in transforms:
        name = f'{type(transform).__module__.split(".")[0]}.{type(transform).__name__}'
        for rule in RULES:
            active = rule.in_test if test_mode else rule.in_training
            if active and isinstance(transform, rule.transforms) and rule.applies(transform):
                raise ValueError(f'{name} in the pipeline of {source} {rule.reason}')
        for argument, value in _fills(transform):
            if value not in (None, 0, FILL):
                raise ValueError(
                    f'{name} in the pipeline of {source} fills gt_seg_map with {argument}={value!r}, the number of a '
                    f'segment: use {FILL} or 0, which are void'
                )


def check_wrapped_pipelines(dataset: Any) -> None:
    """Check the pipelines of data sets around others, such as ``MultiImageMixDataset``, as ``check_pipeline`` does."""
    inner = [*getattr(dataset, 'datasets', ()), *filter(None, [getattr(dataset, 'dataset', None)])]
    if inner and hasattr(dataset, 'pipeline'):
        check_pipeline(dataset.pipeline, source=type(dataset).__name__, test_mode=False)
    for wrapped in inner:
        check_wrapped_pipelines(wrapped)


def all_transforms(part: Any) -> Iterator[Any]:
    """The transforms of a pipeline, and those within others, such as ``RandomApply``."""
    if isinstance(part, list | tuple):
        for item in part:
            yield from all_transforms(item)
    elif isinstance(part, Mapping):
        yield from all_transforms(list(part.values()))
    elif isinstance(part, BaseTransform | Compose):
        yield part
        yield from all_transforms(list(vars(part).values()))
    elif callable(part) and not isinstance(part, type):
        yield part


def _fills(transform: Any) -> Iterator[tuple[str, Any]]:
    """Arguments that say what a map is filled with, and their values."""
    for argument in ('seg_pad_val', 'seg_fill_in', 'seg_ignore_label'):
        yield argument, getattr(transform, argument, None)
    for padding in (getattr(transform, 'pad_val', None), getattr(transform, 'pad_cfg', {}).get('pad_val')):
        if isinstance(padding, Mapping):
            yield "pad_val['seg']", padding.get('seg')


def _outer_keys(mapping: Any) -> Iterator[Any]:
    """The keys of a sample that a ``KeyMapper`` replaces."""
    if isinstance(mapping, Mapping):
        mapping = list(mapping.values())
    if isinstance(mapping, list | tuple):
        for item in mapping:
            yield from _outer_keys(item)
    elif mapping is not None:
        yield mapping
