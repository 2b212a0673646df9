"""From images as bytes to panoptic maps at their size: what a user waits for, without reading files."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import torch
from mmdet.structures import DetDataSample
from torch import Tensor

from benchmarking import hugging_face, our_model
from benchmarking.case import Case
from benchmarking.drawn import draw_annotation, draw_image
from benchmarking.post_processing import OBJECT_MASK_THR, OVERLAP_THR, make_processor
from benchmarking.precision import inference
from mmoneformer.registry import MODELS

Run = Callable[[], list[Any]]


def ours(case: Case) -> Run:
    """Our ``test_step`` for the panoptic task."""
    model = our_model.build(case).eval()
    model.test_cfg = replace(model.test_cfg, tasks=('panoptic',))
    images = _images(case)

    def run() -> list[Any]:
        samples = [DetDataSample(metainfo=dict(img_shape=case.size, ori_shape=case.size)) for _ in images]
        with inference(case):
            return model.test_step(dict(inputs=images, data_samples=samples))

    return run


def transformers(case: Case) -> Run:
    """Their network and panoptic post-processing, behind our normalization."""
    model = hugging_face.build(case)
    forward = hugging_face.forward_on(model, case)
    normalize = MODELS.build(our_model.load_config(case).model.data_preprocessor).to(case.device)
    processor = make_processor()
    images = _images(case)
    sizes = [case.size] * case.batch

    def run() -> list[Any]:
        with inference(case):
            class_logits, mask_logits = forward(normalize(dict(inputs=images))['inputs'])['panoptic']
            outputs = SimpleNamespace(class_queries_logits=class_logits, masks_queries_logits=mask_logits)
            return processor.post_process_panoptic_segmentation(
                outputs, OBJECT_MASK_THR, 0.5, OVERLAP_THR, label_ids_to_fuse=set(), target_sizes=sizes
            )

    return run


def _images(case: Case) -> list[Tensor]:
    annotations = [draw_annotation(case.size, case.masks, num_classes=15, seed=seed) for seed in range(case.batch)]
    images = [draw_image(annotation, seed=seed) for seed, annotation in enumerate(annotations)]
    return [torch.from_numpy(image).permute(2, 0, 1).contiguous() for image in images]
