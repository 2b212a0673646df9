"""A peer: OneFormer of ``transformers``, with the weights of ours."""

from collections.abc import Callable
from functools import partial

import torch
from transformers import OneFormerConfig, OneFormerForUniversalSegmentation
from transformers.utils import logging

from benchmarking import our_model
from benchmarking.case import Case
from benchmarking.drawn import draw_annotation, normalized_images
from benchmarking.precision import inference, precise
from benchmarking.training import optimizer_step
from mmoneformer.checkpoints.architecture import find_backbone, read_architecture
from mmoneformer.checkpoints.hugging_face_config import model_json
from mmoneformer.checkpoints.hugging_face_keys import to_hugging_face
from mmoneformer.models import OneFormer
from mmoneformer.models.text.text_mapper import pad_texts
from mmoneformer.models.text.tokenizer import Tokenizer
from mmoneformer.tasks import TASKS, target_text

Tensor = torch.Tensor

logging.set_verbosity_error()  # it lists the text encoder's weights, which inference leaves out
logging.disable_progress_bar()


def build(case: Case, *, is_training: bool = False) -> OneFormerForUniversalSegmentation:
    """Their model with our random weights."""
    return from_ours(our_model.build(case), case, is_training=is_training)


def from_ours(ours: OneFormer, case: Case, *, is_training: bool = False) -> OneFormerForUniversalSegmentation:
    """Their model with the weights of ours."""
    weights = {key: weight.cpu() for key, weight in ours.state_dict().items()}
    described, backbone = read_architecture(weights), our_model.load_config(case).model.backbone
    described['backbone'] |= {key: backbone[key] for key in find_backbone(weights).not_in_weights if key in backbone}
    config = OneFormerConfig(**(model_json(described, ours.dataset_meta) | {'is_training': is_training}))
    model = OneFormerForUniversalSegmentation.from_pretrained(None, config=config, state_dict=to_hugging_face(weights))
    return model.to(case.device)


def forward(case: Case) -> Callable[[], our_model.Logits]:
    """One pass of a batch for each task: logits of all tasks."""
    return forward_of(build(case), case)


def forward_of(model: OneFormerForUniversalSegmentation, case: Case) -> Callable[[], our_model.Logits]:
    """The same, of a model that is there."""
    images = normalized_images(case.batch, case.size, device=case.device)
    return partial(forward_on(model, case), images)


def forward_on(model: OneFormerForUniversalSegmentation, case: Case) -> Callable[[Tensor], our_model.Logits]:
    """The same, on images that it is given."""
    model.eval().requires_grad_(False)
    network = torch.compile(model) if case.compiled else model
    tokens = {task: _task_ids([task] * case.batch).to(case.device) for task in case.tasks}

    def run(images: Tensor) -> our_model.Logits:
        with inference(case):
            outputs = {task: network(pixel_values=images, task_inputs=ids) for task, ids in tokens.items()}
        return {task: (out.class_queries_logits, out.masks_queries_logits) for task, out in outputs.items()}

    return run


def training_step(case: Case) -> Callable[[], float]:
    """One step: losses, gradients, update."""
    return training_step_of(build(case, is_training=True), case)


def training_step_of(model: OneFormerForUniversalSegmentation, case: Case) -> Callable[[], float]:
    """The same, of a model that is there."""
    model.train()
    tasks = [case.tasks[index % len(case.tasks)] for index in range(case.batch)]
    classes = [str(name) for name in (model.config.id2label or {}).values()]
    annotations = [
        draw_annotation(case.size, case.masks, num_classes=len(classes), seed=index) for index in range(case.batch)
    ]
    num_texts = model.config.num_queries - model.config.text_encoder_n_ctx
    texts = [
        pad_texts(
            [target_text(classes[label]) for label in annotation.labels], filler=TASKS[task].filler, count=num_texts
        )
        for task, annotation in zip(tasks, annotations, strict=True)
    ]
    ids = torch.arange(1, case.masks + 1)[:, None, None]
    inputs = dict(
        pixel_values=normalized_images(case.batch, case.size, device=case.device),
        task_inputs=_task_ids(tasks).to(case.device),
        text_inputs=torch.stack([Tokenizer()(image) for image in texts]).to(case.device),
        mask_labels=[(torch.from_numpy(a.id_map) == ids).float().to(case.device) for a in annotations],
        class_labels=[torch.tensor(a.labels, device=case.device) for a in annotations],
    )

    def losses() -> Tensor:
        with precise(case):
            return model(**inputs).loss

    return optimizer_step(model, losses)


def _task_ids(tasks: list[str]) -> Tensor:
    return Tokenizer()([TASKS[task].sentence for task in tasks]).float()
