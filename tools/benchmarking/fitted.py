"""How well the panoptic maps of two sides agree, from a network that has learnt one image.

Maps of random weights say nothing: all queries are alike, and a rounding error decides which one wins a pixel. Fitting
what comes behind the pixel decoder to an image makes queries that are sure of their segment, as training does.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarking import hugging_face, our_model
from benchmarking.case import Case
from benchmarking.comparison import Comparison
from benchmarking.drawn import Annotation, draw_annotation, normalized_images
from mmoneformer.models import OneFormer
from mmoneformer.models.masked_decoder import QueryPredictions, mask_logits
from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.post_process import Thresholds, panoptic_map
from mmoneformer.structures.panoptic_ids import panoptic_label

LEARNING_RATE, GRADIENT_NORM = 1e-3, 1.0
NO_OBJECT_WEIGHT, MASK_WEIGHT = 0.1, 5.0
THRESHOLDS = Thresholds(object_mask=0.5, overlap=0.8)
FROZEN = ('pixel_decoder', 'text_mapper', 'contrastive_loss')


def share_of_equal_pixels(comparison: Comparison, steps: int) -> tuple[float, float]:
    """Fit our network, and predict its image with both sides.

    Returns:
        The share of pixels that both panoptic maps give to the same segment, and the share that is right in the
        peer's: how much was learnt.
    """
    case = comparison.ours.case
    model = our_model.build(case)
    fit(model, replace(case, precision='float32'), steps)
    theirs = hugging_face.from_ours(model, comparison.peer.case)
    ours = our_model.forward_of(model, case)
    found, expected = (
        _panoptic_map(run()['panoptic'], case, model.is_thing)
        for run in (ours, hugging_face.forward_of(theirs, comparison.peer.case))
    )
    annotation = _annotation(case, model)
    truth = torch.tensor([0, *annotation.labels])[torch.from_numpy(annotation.id_map).long()]
    return _share(found == expected), _share(panoptic_label(expected) == truth)


def fit(model: OneFormer, case: Case, steps: int) -> None:
    """Teach query n segment n of the case's image; backbone and pixel decoder stay as they are."""
    head, num_classes = model.eval().panoptic_head, len(model.is_thing)
    annotation = _annotation(case, model)
    with torch.no_grad():
        pixels = head.pixel_decoder(model.backbone(normalized_images(1, case.size, device=case.device)))
    stride = case.size[0] // pixels.mask_features.shape[-2]
    id_map = torch.from_numpy(annotation.id_map)[stride // 2 :: stride, stride // 2 :: stride]
    masks = (id_map == torch.arange(1, case.masks + 1)[:, None, None]).float().to(case.device)
    labels = torch.full((len(head.query_embed),), num_classes, device=case.device)
    labels[: case.masks] = torch.tensor(annotation.labels)
    head.train()  # keeps the predictions of all layers
    learnt = [p for name, p in head.named_parameters() if not name.startswith(FROZEN)]
    optimizer = torch.optim.AdamW(learnt, lr=LEARNING_RATE)
    head.pixel_decoder.forward = lambda features: pixels  # the same in each step
    for _ in range(steps):
        predictions = head([], [['panoptic']]).predictions
        losses = [_loss(prediction, pixels.mask_features, labels, masks) for prediction in predictions]
        optimizer.zero_grad()
        torch.stack(losses).sum().backward()
        torch.nn.utils.clip_grad_norm_(learnt, GRADIENT_NORM)
        optimizer.step()
    del head.pixel_decoder.forward


def _loss(prediction: QueryPredictions, features: Tensor, labels: Tensor, masks: Tensor) -> Tensor:
    class_logits = prediction.class_logits[0, 0]
    weights = class_logits.new_ones(class_logits.shape[-1])
    weights[-1] = NO_OBJECT_WEIGHT
    logits = mask_logits(prediction.mask_embeddings, features)[0, 0, : len(masks)]
    probabilities = logits.sigmoid()
    overlap = (probabilities * masks).sum((1, 2))
    dice = 1 - (2 * overlap + 1) / (probabilities.sum((1, 2)) + masks.sum((1, 2)) + 1)
    mask_loss = F.binary_cross_entropy_with_logits(logits, masks) + dice.mean()
    return F.cross_entropy(class_logits, labels, weights) + MASK_WEIGHT * mask_loss


def _annotation(case: Case, model: OneFormer) -> Annotation:
    return draw_annotation(case.size, case.masks, num_classes=len(model.is_thing), seed=0)


def _panoptic_map(logits: tuple[Tensor, Tensor], case: Case, is_thing: Tensor) -> Tensor:
    class_logits, mask_logits_ = (part[0].float() for part in logits)
    geometry = MaskGeometry(case.size, case.size, case.size)
    return panoptic_map(class_logits, mask_logits_, geometry, is_thing=is_thing, thresholds=THRESHOLDS).pixels.cpu()


def _share(pixels: Tensor) -> float:
    return pixels.float().mean().item()
