"""Both post-processings: logits to the results of the three tasks at the size of the image.

The peer is the image processor of ``transformers`` with the settings of an evaluation (``is_demo=False``). Given one
input, the two do not compute the same: the authors' semantic map, and ours, sums the masks of all queries at full
size, theirs at a quarter of it; their instances are one map without overlaps, the authors' and ours are masks.
"""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from transformers import OneFormerImageProcessor
from transformers.models.oneformer import image_processing_pil_oneformer
from transformers.utils import is_torchvision_available

from benchmarking.case import Case
from mmoneformer.checkpoints.hugging_face_config import CLASS_FILE, classes_json
from mmoneformer.metainfo import Metainfo, resolve_metainfo
from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.post_process import Thresholds, find_instances, panoptic_map, semantic_map

Results = dict[str, Any]
METAINFO = resolve_metainfo('cityscapes')
STRIDE = 4
OBJECT_MASK_THR, OVERLAP_THR = 0.5, 0.8
CONFIDENT = 12.0  # class logit; the others are a standard normal
EDGE = 2.0  # logits per cell of stride 4


def ours(case: Case) -> Callable[[], Results]:
    """Post-process with our functions."""
    class_logits, mask_logits = draw_logits(case)
    is_thing = torch.zeros(len(METAINFO['classes']), dtype=torch.bool, device=case.device)
    is_thing[list(METAINFO['thing_ids'])] = True
    geometry = MaskGeometry(case.size, case.size, case.size)
    thresholds = Thresholds(OBJECT_MASK_THR, OVERLAP_THR)

    def run() -> Results:
        logits = (class_logits, mask_logits, geometry)
        return {
            'panoptic': panoptic_map(*logits, is_thing=is_thing, thresholds=thresholds),
            'instance': find_instances(*logits, is_thing=is_thing, max_per_image=case.queries),
            'semantic': semantic_map(*logits),
        }

    return torch.no_grad()(run)


def hugging_face(case: Case) -> Callable[[], Results]:
    """Post-process with their processor."""
    class_logits, mask_logits = draw_logits(case)
    outputs = SimpleNamespace(class_queries_logits=class_logits[None], masks_queries_logits=mask_logits[None])
    processor = make_processor()
    sizes = [case.size]
    stuff = set(range(len(METAINFO['classes']))) - set(METAINFO['thing_ids'])

    def run() -> Results:
        return {
            'panoptic': processor.post_process_panoptic_segmentation(
                outputs, OBJECT_MASK_THR, 0.5, OVERLAP_THR, label_ids_to_fuse=stuff, target_sizes=sizes
            )[0],
            'instance': processor.post_process_instance_segmentation(
                outputs, 'panoptic', is_demo=False, target_sizes=sizes
            )[0],
            'semantic': processor.post_process_semantic_segmentation(outputs, sizes)[0],
        }

    return torch.no_grad()(run)


def draw_logits(case: Case, num_classes: int = len(METAINFO['classes'])) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of queries, ``case.masks`` of which are sure of a class and have a round mask each.

    Args:
        case: Size of the image, and numbers of queries and masks.
        num_classes: K.

    Returns:
        Class logits [Q, K + 1] and mask logits [Q, H/4, W/4].
    """
    generator = torch.Generator().manual_seed(0)
    height, width = (side // STRIDE for side in case.size)
    labels = torch.arange(case.queries) % num_classes
    labels[case.masks :] = num_classes
    class_logits = torch.randn(case.queries, num_classes + 1, generator=generator)
    class_logits[torch.arange(case.queries), labels] = CONFIDENT
    centers = torch.rand(case.queries, 2, generator=generator) * torch.tensor([height, width])
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    distance = ((rows - centers[:, 0, None, None]) ** 2 + (columns - centers[:, 1, None, None]) ** 2).sqrt()
    radius = (height * width / max(case.masks, 1) / 3) ** 0.5
    return class_logits.to(case.device), (EDGE * (radius - distance)).to(case.device)


def make_processor(metainfo: Metainfo = METAINFO) -> OneFormerImageProcessor:
    """Their processor for our classes."""
    if not is_torchvision_available():
        _stand_in_for_torchvision()
    with TemporaryDirectory() as folder:
        classes = Path(folder) / CLASS_FILE
        classes.write_text(json.dumps(classes_json(metainfo)))
        return OneFormerImageProcessor(repo_path=folder, class_info_file=classes.name, num_text=0)


def _stand_in_for_torchvision() -> None:
    """Their code takes one function of torchvision, which may be missing: torch's own gives the same."""

    def resize(masks: torch.Tensor, size: tuple[int, int], interpolation: str) -> torch.Tensor:
        return F.interpolate(masks, size, mode=interpolation, align_corners=False)

    modes = SimpleNamespace(BILINEAR='bilinear')
    image_processing_pil_oneformer.tvF = SimpleNamespace(resize=resize, InterpolationMode=modes)
