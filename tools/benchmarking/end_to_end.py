"""From images as bytes to the results of each task at their size: what a user waits for, without reading files.

Random weights are sure of nothing, which would leave nothing to post-process. So the networks compute their logits,
and post-processing gets drawn ones in their place, ``case.masks`` of whose queries are sure of a segment.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from mmdet.models import Mask2Former
from mmdet.structures import DetDataSample
from torch import Tensor, nn
from transformers import OneFormerForUniversalSegmentation

from benchmarking import hugging_face, our_model
from benchmarking.case import Case
from benchmarking.drawn import byte_images
from benchmarking.post_processing import OBJECT_MASK_THR, OVERLAP_THR, draw_logits, make_processor
from benchmarking.precision import inference
from mmoneformer.models import OneFormer
from mmoneformer.models.oneformer_head import HeadOutput
from mmoneformer.registry import MODELS

Run = Callable[[], list[Any]]
Logits = tuple[Tensor, Tensor]


def drawn_output(drawn: Logits) -> type[HeadOutput]:
    """Make the type of an output of our head that computes its logits and gives others, of the same shapes.

    They belong to the type, so that copies have them: those of a CUDA graph, too.
    """

    class DrawnOutput(HeadOutput):
        """Output with drawn logits."""

        def of_task(self, index: int) -> Logits:
            """Class and mask logits."""
            return _like(drawn, super().of_task(index))

    return DrawnOutput


def ours(model: OneFormer, case: Case) -> Run:
    """Our ``test_step``."""
    model.eval().requires_grad_(False)
    model.test_cfg = replace(
        model.test_cfg,
        tasks=case.tasks,
        compile=case.compiled,
        cuda_graphs=case.cuda_graphs,
        object_mask_thr=OBJECT_MASK_THR,
        overlap_thr=OVERLAP_THR,
    )
    images = byte_images(case.batch, case.size)
    drawn = _draw(case, queries=model.panoptic_head.num_queries, num_classes=len(model.is_thing))
    output_type = drawn_output(drawn)

    def run() -> list[Any]:
        with inference(case), _changed_output(model.panoptic_head, lambda output: output_type(*output)):
            return model.test_step(dict(inputs=images, data_samples=_samples(case)))

    return run


def transformers(model: OneFormerForUniversalSegmentation, case: Case) -> Run:
    """Their network and post-processing for each task, behind our normalization on the device."""
    forwards = {task: hugging_face.forward_on(model, replace(case, tasks=(task,))) for task in case.tasks}
    cfg = our_model.load_config(case).model
    metainfo = our_model.metainfo(case)
    normalize = MODELS.build(cfg.data_preprocessor).to(case.device)
    processor = make_processor(metainfo)
    stuff = set(range(len(metainfo['classes']))) - set(metainfo['thing_ids'])
    images, sizes = byte_images(case.batch, case.size), [case.size] * case.batch
    drawn = _draw(case, queries=model.config.num_queries, num_classes=len(metainfo['classes']))
    thresholds: dict[str, Any] = dict(
        threshold=OBJECT_MASK_THR, overlap_mask_area_threshold=OVERLAP_THR, target_sizes=sizes
    )
    post_process: dict[str, Callable[[Any], Any]] = {
        'panoptic': lambda out: processor.post_process_panoptic_segmentation(
            out, label_ids_to_fuse=stuff, **thresholds
        ),
        'instance': lambda out: processor.post_process_instance_segmentation(out, **thresholds),
        'semantic': lambda out: processor.post_process_semantic_segmentation(out, sizes),
    }

    def run() -> list[Any]:
        results = []
        with inference(case):
            normalized = normalize(dict(inputs=images))['inputs']
            for task, forward in forwards.items():
                classes, masks = _like(drawn, forward(normalized)[task])
                outputs = SimpleNamespace(class_queries_logits=classes, masks_queries_logits=masks)
                results.append(post_process[task](outputs))
        return results

    return run


def mask2former(model: Mask2Former, case: Case) -> Run:
    """Their ``test_step``: panoptic and instance results; they have no semantic ones."""
    model.eval().requires_grad_(False)
    head = model.panoptic_head
    images = byte_images(case.batch, case.size)
    drawn = _draw(case, queries=head.num_queries, num_classes=head.num_classes)

    def with_drawn(output: tuple[list[Tensor], list[Tensor]]) -> tuple[list[Tensor], list[Tensor]]:
        classes, masks = _like(drawn, (output[0][-1], output[1][-1]))
        return [classes], [masks]

    def run() -> list[Any]:
        with inference(case), _changed_output(head, with_drawn):
            return model.test_step(dict(inputs=images, data_samples=_samples(case)))

    return run


@contextmanager
def _changed_output(module: nn.Module, change: Callable[[Any], Any]) -> Iterator[None]:
    forward = module.forward
    module.forward = lambda *args, **kwargs: change(forward(*args, **kwargs))
    try:
        yield
    finally:
        del module.forward


def _draw(case: Case, *, queries: int, num_classes: int) -> Logits:
    masks = min(case.masks, queries)
    return draw_logits(replace(case, queries=queries, masks=masks), num_classes)


def _like(drawn: Logits, computed: Logits) -> Logits:
    """The drawn logits of an image, for each image of the batch and in the type of the computed ones."""
    classes, masks = (one.type_as(other).expand_as(other) for one, other in zip(drawn, computed, strict=True))
    return classes, masks


def _samples(case: Case) -> list[DetDataSample]:
    return [DetDataSample(metainfo=dict(img_shape=case.size, ori_shape=case.size)) for _ in range(case.batch)]
