"""From the logits of an image to its results in a data sample: the settings, and the post-processing of each task."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData
from torch import Tensor

from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.ops.dispatch import full_precision
from mmoneformer.models.post_process import Thresholds, find_instances, panoptic_map, semantic_map
from mmoneformer.tasks import TASKS, TaskTable, check_tasks


@dataclass(frozen=True, kw_only=True)
class InferenceConfig:
    """How the predictions of the network become results.

    Attributes:
        object_mask_thr: Panoptic task: queries need a higher class score than this, 0 to 1.
        overlap_thr: Panoptic task: a segment needs at least this share of its mask left by the others, 0 to 1.
        max_per_image: Instance task: number of pairs of query and class that are considered, before those of stuff
            classes are dropped. ``OneFormer`` sets it to the number of queries where its config does not.
        num_layers: Layers of the masked decoder that run, from the first; None for all. Each was trained to predict:
            fewer are faster, and somewhat worse.
        tasks: Tasks that are predicted where the caller names none; by default all.
        tokens: Task whose token is used for a task, where that is not its own. Only to measure how much the token
            matters: results with the token of another task are of little use.
        compile: Whether backbone and head run through ``torch.compile``, which takes minutes at first, and again for
            some new image sizes.
        cuda_graphs: Whether backbone and head are captured for each size of the input, and replayed, on a CUDA device:
            one image then takes a fraction of the time. Each size takes a moment at first, and memory.
        with_queries: Whether to add what tracking needs: ``queries``, the index of the query of each segment and
            instance, and the embeddings of all queries.

    Raises:
        ValueError: If a task is unknown.
    """

    object_mask_thr: float = 0.8
    overlap_thr: float = 0.8
    max_per_image: int
    num_layers: int | None = None
    tasks: Sequence[str] = field(default_factory=lambda: tuple(TASKS))
    tokens: Mapping[str, str] = field(default_factory=dict)
    compile: bool = False
    cuda_graphs: bool = False
    with_queries: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, 'tasks', check_tasks(self.tasks))
        if self.tokens:
            check_tasks([*self.tokens, *self.tokens.values()])


class ImageLogits(NamedTuple):
    """Predictions for one task of one image.

    Attributes:
        class_logits: [Q, K + 1].
        mask_logits: [Q, H/4, W/4], of the padded input.
        geometry: Sizes of input, image and result.
    """

    class_logits: Tensor
    mask_logits: Tensor
    geometry: MaskGeometry


# Arguments: where to write the results, the logits, which classes are things (bool [K]), and the settings.
PostProcess = Callable[[DetDataSample, ImageLogits, Tensor, InferenceConfig], None]


def add_panoptic(sample: DetDataSample, logits: ImageLogits, is_thing: Tensor, config: InferenceConfig) -> None:
    """Add ``pred_panoptic_seg`` (``sem_seg``, int64 [1, H, W]) and ``pred_segments`` (``ids`` and ``scores``, [N])."""
    thresholds = Thresholds(config.object_mask_thr, config.overlap_thr)
    panoptic = panoptic_map(*logits, is_thing=is_thing, thresholds=thresholds)
    sample.pred_panoptic_seg = PixelData(sem_seg=panoptic.pixels[None])
    sample.pred_segments = InstanceData(ids=panoptic.ids, scores=panoptic.scores)
    if config.with_queries:
        sample.pred_segments.queries = panoptic.queries


def add_instances(sample: DetDataSample, logits: ImageLogits, is_thing: Tensor, config: InferenceConfig) -> None:
    """Add ``pred_instances``, with the fields of ``Instances``."""
    instances = find_instances(*logits, is_thing=is_thing, max_per_image=config.max_per_image)
    fields = instances._asdict()
    if not config.with_queries:
        del fields['queries']
    sample.pred_instances = InstanceData(**fields)


def add_semantic(sample: DetDataSample, logits: ImageLogits, is_thing: Tensor, config: InferenceConfig) -> None:
    """Add ``pred_sem_seg``: one map of labels, int64 [1, H, W], as ``sem_seg`` for mmdet and ``data`` for mmseg."""
    labels = semantic_map(*logits)[None]
    sample.pred_sem_seg = PixelData(sem_seg=labels, data=labels)


POST_PROCESS: TaskTable[PostProcess] = TaskTable(
    'mmoneformer.models.task_results.POST_PROCESS',
    {'panoptic': add_panoptic, 'instance': add_instances, 'semantic': add_semantic},
)


def post_process(
    task: str, sample: DetDataSample, logits: ImageLogits, is_thing: Tensor, config: InferenceConfig
) -> None:
    """Write the results of a task into the data sample, by its function in ``POST_PROCESS``.

    It runs without autocast: scores are compared, and in half precision many are equal.
    """
    with full_precision(logits.class_logits):
        POST_PROCESS[task](sample, logits, is_thing, config)
