"""OneFormer as a model of mmengine: losses in training, results per task in inference."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.model import BaseModel
from mmengine.structures import InstanceData, PixelData
from torch import Tensor

from mmoneformer.metainfo import MetainfoLike, resolve_metainfo
from mmoneformer.models.mask_tiles import MaskGeometry
from mmoneformer.models.oneformer_head import HeadOutput
from mmoneformer.models.post_process import Thresholds, find_instances, panoptic_map, semantic_map
from mmoneformer.registry import MODELS
from mmoneformer.tasks import TASKS, check_tasks

Config = dict[str, Any]
Logits = dict[str, tuple[Tensor, Tensor]]


@dataclass(frozen=True, kw_only=True)
class InferenceConfig:
    """How predictions become results.

    Attributes:
        object_mask_thr: Panoptic: queries need a higher score.
        overlap_thr: Panoptic: share of a mask that the other segments must leave.
        max_per_image: Instance: pairs of query and class that are considered.
        tasks: Which results to give.
        tokens: Task under whose token a task is read, where that is not its own. Only to measure how much the
            token matters: the result of another token is worth little.
        compile: Whether backbone and head go through ``torch.compile``: minutes at first, and again for some new
            sizes of images.
    """

    object_mask_thr: float = 0.8
    overlap_thr: float = 0.8
    max_per_image: int = 100
    tasks: Sequence[str] = tuple(TASKS)
    tokens: Mapping[str, str] = field(default_factory=dict)
    compile: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, 'tasks', check_tasks(self.tasks))
        if self.tokens:
            check_tasks([*self.tokens, *self.tokens.values()])


@MODELS.register_module()
class OneFormer(BaseModel):
    """One model for panoptic, instance and semantic segmentation (arXiv 2211.06220).

    Args:
        backbone: Config of a backbone with four outputs, strides 4, 8, 16, 32.
        panoptic_head: Config of the rest of the network; it is given the number of classes.
        metainfo: Classes, thing ids and palette, or the name of a known data set, or a list of these to unite.
        test_cfg: Arguments of ``InferenceConfig``.
        data_preprocessor: Config of what normalizes and pads a batch.
        init_cfg: Of the whole model, as in mmengine.
        train_cfg: Always None; mmseg's ``init_model`` passes it.
        pretrained: Always None; mmseg's ``init_model`` passes it.
    """

    def __init__(
        self,
        *,
        backbone: Config,
        panoptic_head: Config,
        metainfo: MetainfoLike,
        test_cfg: Config | None = None,
        data_preprocessor: Config | None = None,
        init_cfg: Config | None = None,
        train_cfg: None = None,
        pretrained: None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        if train_cfg is not None or pretrained is not None:
            raise ValueError(f'train_cfg and pretrained must be None, got {train_cfg!r} and {pretrained!r}')
        if 'num_classes' in panoptic_head:
            raise ValueError('panoptic_head.num_classes follows from the classes of metainfo: leave it out')
        self.dataset_meta = resolve_metainfo(metainfo)
        num_classes = len(self.dataset_meta['classes'])
        self.backbone = MODELS.build(backbone)
        self.panoptic_head = MODELS.build(panoptic_head, default_args=dict(num_classes=num_classes))
        self.test_cfg = InferenceConfig(**(test_cfg or {}))
        is_thing = torch.zeros(num_classes, dtype=torch.bool)
        is_thing[list(self.dataset_meta['thing_ids'])] = True
        self.register_buffer('is_thing', is_thing, persistent=False)

    def forward(
        self,
        inputs: Tensor,
        data_samples: list[DetDataSample] | None = None,
        mode: str = 'tensor',
        tasks: Sequence[str] = ('panoptic',),
    ) -> dict[str, Tensor] | list[DetDataSample] | Logits:
        """Compute losses, results or logits.

        Args:
            inputs: Normalized and padded images, RGB, float32 [B, 3, H, W].
            data_samples: What the pipeline says of each image; 'tensor' needs none.
            mode: 'loss' -> losses; 'predict' -> the data samples with results; 'tensor' -> for each task, class
                logits [B, Q, K + 1] and mask logits [B, Q, H/4, W/4].
            tasks: Asked in mode 'tensor'; the other modes know their tasks.

        Raises:
            ValueError: If the mode is none of the three, or needs data samples and got none.
        """
        if mode not in ('loss', 'predict', 'tensor'):
            raise ValueError(f"unknown mode {mode!r}: choose 'loss', 'predict' or 'tensor'")
        if mode == 'tensor':
            return self._logits(inputs, check_tasks(tasks))
        if data_samples is None:
            raise ValueError(f'mode {mode!r} needs data_samples, one per image, got None')
        return self._loss(inputs, data_samples) if mode == 'loss' else self._predict(inputs, data_samples)

    def _infer(self, inputs: Tensor, tasks: Sequence[str]) -> HeadOutput:
        """Run backbone and head for tasks of all images."""
        network = self._compiled_network if self.test_cfg.compile else self._network
        return network(inputs, [tasks] * len(inputs))

    @cached_property
    def _compiled_network(self) -> Callable[..., HeadOutput]:
        return torch.compile(self._network)

    def _network(self, inputs: Tensor, tasks: Sequence[Sequence[str]]) -> HeadOutput:
        return self.panoptic_head(self._features(inputs), tasks)

    def _features(self, inputs: Tensor) -> Sequence[Tensor]:
        """Maps of strides 4, 8, 16, 32; convolutions are faster where a pixel's channels lie together."""
        return self.backbone(inputs.contiguous(memory_format=torch.channels_last))

    def _loss(self, inputs: Tensor, data_samples: list[DetDataSample]) -> dict[str, Tensor]:
        targets = [sample.targets for sample in data_samples]
        return self.panoptic_head.loss(self._features(inputs), targets, (inputs.shape[-2], inputs.shape[-1]))

    def _logits(self, inputs: Tensor, tasks: Sequence[str]) -> Logits:
        output = self._infer(inputs, tasks)
        return {task: output.of_task(index) for index, task in enumerate(tasks)}

    def _predict(self, inputs: Tensor, data_samples: list[DetDataSample]) -> list[DetDataSample]:
        """Write the results of each asked task, read under its token, into the data samples."""
        tokens = {task: self.test_cfg.tokens.get(task, task) for task in self.test_cfg.tasks}
        asked = check_tasks(tokens.values())
        output = self._infer(inputs, asked)
        padded = (inputs.shape[-2], inputs.shape[-1])
        for task, token in tokens.items():
            class_logits, mask_logits = output.of_task(asked.index(token))  # one task at a time: masks are large
            for index, sample in enumerate(data_samples):
                frame = MaskGeometry(padded, tuple(sample.img_shape[:2]), tuple(sample.ori_shape[:2]))
                self._add_result(sample, task, class_logits[index], mask_logits[index], frame)
        for sample in data_samples:
            sample.set_metainfo(dict(task_tokens=tokens))
        return data_samples

    def _add_result(
        self, sample: DetDataSample, task: str, class_logits: Tensor, mask_logits: Tensor, frame: MaskGeometry
    ) -> None:
        """Post-process one task of one image: class logits [Q, K + 1], mask logits [Q, h, w]."""
        cfg, logits = self.test_cfg, (class_logits, mask_logits, frame)
        if task == 'panoptic':
            thresholds = Thresholds(cfg.object_mask_thr, cfg.overlap_thr)
            panoptic = panoptic_map(*logits, is_thing=self.is_thing, thresholds=thresholds)
            sample.pred_panoptic_seg = PixelData(sem_seg=panoptic.pixels[None])
            sample.pred_segments = InstanceData(ids=panoptic.ids, scores=panoptic.scores)
        elif task == 'instance':
            instances = find_instances(*logits, is_thing=self.is_thing, max_per_image=cfg.max_per_image)
            sample.pred_instances = InstanceData(**instances._asdict())
        else:
            labels = semantic_map(*logits)[None]
            sample.pred_sem_seg = PixelData(sem_seg=labels, data=labels)
