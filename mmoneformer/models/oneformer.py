"""OneFormer as a model of mmengine: losses in training, results of each task in inference."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.model import BaseModel
from mmengine.structures import InstanceData
from torch import Tensor
from torch.distributed.fsdp import FullyShardedDataParallel

from mmoneformer.metainfo import MetainfoLike, resolve_metainfo
from mmoneformer.models.backbone_maps import with_channels
from mmoneformer.models.backbones.pretrained import named_weights
from mmoneformer.models.masked_decoder import mean_features
from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.normalization import with_normalization
from mmoneformer.models.oneformer_head import HeadOutput
from mmoneformer.models.ops.cuda_graphs import CudaGraphs
from mmoneformer.models.task_results import ImageLogits, InferenceConfig, post_process
from mmoneformer.registry import MODELS
from mmoneformer.tasks import check_tasks

Config = dict[str, Any]
Logits = dict[str, tuple[Tensor, Tensor]]


@MODELS.register_module()
class OneFormer(BaseModel):
    """One model for panoptic, instance and semantic segmentation (arXiv 2211.06220).

    Args:
        backbone: Config of a backbone with four outputs, of strides 4, 8, 16, 32.
        panoptic_head: Config of the head; the number of classes is passed to it, and the channels of the backbone's
            maps to its pixel decoder, as ``in_channels``.
        metainfo: Classes, thing ids and palette, or the name of a known data set, or a list of these to unite.
        test_cfg: Arguments of ``InferenceConfig``; None stands for the default.
        data_preprocessor: Config of the module that normalizes and pads a batch; ``mean`` and ``std`` may be left out
            for a backbone that knows those of its pretraining.
        init_cfg: Initialization of the model, as in mmengine.
        train_cfg: Must be None; mmseg's ``init_model`` passes it.
        pretrained: Must be None; mmseg's ``init_model`` passes it.

    Raises:
        ValueError: If ``data_preprocessor`` does not fit the targets, if ``train_cfg`` or ``pretrained`` is not None,
            if ``panoptic_head`` has ``num_classes``, if the backbone's maps have other strides, or other channels than
            the pixel decoder takes, or if ``test_cfg.num_layers`` is out of range.
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
        _check_preprocessor(data_preprocessor)
        network = MODELS.build(backbone)
        preprocessor = with_normalization(data_preprocessor, network)
        if isinstance(preprocessor, Mapping):
            preprocessor = MODELS.build(preprocessor)  # mmengine would look for it in its own registry
        super().__init__(data_preprocessor=preprocessor, init_cfg=init_cfg)
        if train_cfg is not None or pretrained is not None:
            raise ValueError(f'train_cfg and pretrained must be None, got {train_cfg!r} and {pretrained!r}')
        if 'num_classes' in panoptic_head:
            raise ValueError('panoptic_head.num_classes follows from the classes of metainfo: leave it out')
        self.dataset_meta = resolve_metainfo(metainfo)
        num_classes = len(self.dataset_meta['classes'])
        self.backbone = network
        head = with_channels(panoptic_head, self.backbone)
        self.panoptic_head = MODELS.build(head, default_args=dict(num_classes=num_classes))
        settings = {key: value for key, value in (test_cfg or {}).items() if value is not None}
        self.test_cfg = InferenceConfig(**dict(max_per_image=self.panoptic_head.num_queries) | settings)
        _check_layers(self.test_cfg.num_layers, len(self.panoptic_head.masked_decoder.layers))
        is_thing = torch.zeros(num_classes, dtype=torch.bool)
        is_thing[list(self.dataset_meta['thing_ids'])] = True
        self.register_buffer('is_thing', is_thing, persistent=False)

    def init_weights(self) -> None:
        """Initialize the weights, with the pretrained ones of the backbone if its config has any.

        Raises:
            ConnectionError: If they cannot be downloaded.
            ValueError: If they are damaged, or those of another network.
        """
        with named_weights(self.backbone):
            super().init_weights()

    def forward(
        self,
        inputs: Tensor,
        data_samples: list[DetDataSample] | None = None,
        mode: str = 'tensor',
        tasks: Sequence[str] | None = None,
        with_queries: bool = False,
    ) -> dict[str, Tensor] | list[DetDataSample] | Logits:
        """Compute losses, results or logits.

        Args:
            inputs: Normalized and padded images, RGB, float32 [B, 3, H, W].
            data_samples: One per image: with ``targets`` in mode 'loss'; with what ``MaskGeometry.of`` reads in
                mode 'predict'; not used in mode 'tensor'.
            mode: 'loss', 'predict' or 'tensor'.
            tasks: Tasks to predict. By default those of ``test_cfg`` in mode 'predict', and the panoptic task in mode
                'tensor'. Mode 'loss' takes the task of each image from its targets.
            with_queries: Whether mode 'predict' adds what tracking needs: ``query_embeddings``, for each task the
                ``mean_features`` of its queries, [Q, C], and ``queries``, the indices of those of the segments.

        Returns:
            'loss': the losses by name. 'predict': the data samples, with the results of ``POST_PROCESS`` and
            ``task_tokens``, which maps each task to the task whose token was used. 'tensor': for each task, class
            logits [B, Q, K + 1] and mask logits [B, Q, H/4, W/4].

        Raises:
            ValueError: If the mode is none of the three or lacks data samples, or if a task is unknown.
        """
        if mode not in ('loss', 'predict', 'tensor'):
            raise ValueError(f"unknown mode {mode!r}: choose 'loss', 'predict' or 'tensor'")
        if mode == 'tensor':
            return self._logits(inputs, check_tasks(tasks if tasks is not None else ('panoptic',)))
        if data_samples is None:
            raise ValueError(f'mode {mode!r} needs data_samples, one per image, got None')
        if mode == 'loss':
            return self._loss(inputs, data_samples)
        config = replace(
            self.test_cfg,
            tasks=self.test_cfg.tasks if tasks is None else tasks,
            with_queries=with_queries or self.test_cfg.with_queries,
        )
        return self._predict(inputs, data_samples, config)

    def _infer(self, inputs: Tensor, tasks: Sequence[str]) -> HeadOutput:
        """Run backbone and head, with the same tasks for all images."""
        # a graph replays one mode, which is that of evaluation
        network = self._cuda_graphs if self.test_cfg.cuda_graphs and not self.training else self._compiled_or_not
        return network(inputs, (tuple(tasks),) * len(inputs), self.test_cfg.num_layers)

    @cached_property
    def _cuda_graphs(self) -> CudaGraphs:
        return CudaGraphs(self._compiled_or_not, self.parameters)

    def _compiled_or_not(self, inputs: Tensor, tasks: Sequence[Sequence[str]], num_layers: int | None) -> HeadOutput:
        network = self._compiled_network if self.test_cfg.compile else self._network
        return network(inputs, tasks, num_layers)

    @cached_property
    def _compiled_network(self) -> Callable[..., HeadOutput]:
        return torch.compile(self._network)

    def __getstate__(self) -> dict[str, Any]:
        """Copies of a model compile and capture networks of their own: those of this one have its weights."""
        return {name: value for name, value in vars(self).items() if name not in ('_compiled_network', '_cuda_graphs')}

    def _network(self, inputs: Tensor, tasks: Sequence[Sequence[str]], num_layers: int | None) -> HeadOutput:
        return self.panoptic_head(self._features(inputs), tasks, num_layers)

    def _features(self, inputs: Tensor) -> Sequence[Tensor]:
        """Backbone maps of strides 4, 8, 16, 32; convolutions are faster in the channels-last memory format."""
        return self.backbone(inputs.contiguous(memory_format=torch.channels_last))

    def _loss(self, inputs: Tensor, data_samples: list[DetDataSample]) -> dict[str, Tensor]:
        targets = [sample.targets for sample in data_samples]
        return self.panoptic_head.loss(self._features(inputs), targets, (inputs.shape[-2], inputs.shape[-1]))

    def _logits(self, inputs: Tensor, tasks: Sequence[str]) -> Logits:
        output = self._infer(inputs, tasks)
        return {task: output.of_task(index) for index, task in enumerate(tasks)}

    def _predict(
        self, inputs: Tensor, data_samples: list[DetDataSample], config: InferenceConfig
    ) -> list[DetDataSample]:
        """Write the results of each task, predicted with its token, into the data samples."""
        tokens = {task: config.tokens.get(task, task) for task in config.tasks}
        groups = groups_of_a_size(inputs, data_samples)
        if len(groups) > 1 and any(isinstance(module, FullyShardedDataParallel) for module in self.modules()):
            groups = [([*range(len(inputs))], inputs)]  # all processes must run the network equally often
        for indices, group in groups:
            self._predict_group(group, [data_samples[index] for index in indices], tokens, config)
        for sample in data_samples:
            sample.set_metainfo(dict(task_tokens=tokens))
        return data_samples

    def _predict_group(
        self, inputs: Tensor, data_samples: list[DetDataSample], tokens: Mapping[str, str], config: InferenceConfig
    ) -> None:
        """Predict images that are padded to the same size."""
        used = check_tasks(tokens.values())
        output = self._infer(inputs, used)
        embeddings: dict[str, Tensor] = {}
        for task, token in tokens.items():
            class_logits, mask_logits = output.of_task(used.index(token))  # one task at a time: masks are large
            if config.with_queries:
                embeddings[task] = mean_features(mask_logits, output.mask_features)
            for index, sample in enumerate(data_samples):
                logits = ImageLogits(class_logits[index], mask_logits[index], MaskGeometry.of(sample, inputs))
                post_process(task, sample, logits, self.is_thing, config)
        if config.with_queries:
            for index, sample in enumerate(data_samples):
                of_image = {task: of_images[index] for task, of_images in embeddings.items()}
                sample.query_embeddings = InstanceData(**of_image)


def _check_preprocessor(settings: Config | None) -> None:
    """Refuse what would resize images without their targets, or pad targets that are maps of segments.

    Raises:
        ValueError: If the config of the preprocessor has such a setting.
    """
    parts = [settings, *(settings.get('batch_augments') or ())] if isinstance(settings, Mapping) else []
    for part in parts:
        padded = [key for key in ('pad_mask', 'pad_seg') if part.get(key)]
        if padded:
            raise ValueError(
                f'data_preprocessor has {" and ".join(padded)}, for masks of mmdet: leave them out, as the losses '
                'know which part of an input is padding'
            )
        if str(part.get('type')).endswith(('BatchSyncRandomResize', 'BatchResize')):
            raise ValueError(
                f'data_preprocessor.batch_augments has {part["type"]}, which resizes images and not their targets: '
                'put RandomChoiceResize into the training pipeline instead'
            )


def _check_layers(chosen: int | None, available: int) -> None:
    if chosen is not None and not 1 <= chosen <= available:
        raise ValueError(
            f'test_cfg.num_layers must be from 1 to {available}, the layers of the masked decoder, got {chosen}'
        )


def groups_of_a_size(inputs: Tensor, data_samples: Sequence[DetDataSample]) -> list[tuple[list[int], Tensor]]:
    """Split a batch into groups of images that need the same padding.

    A batch is padded to its largest image, which would change the results of the others: a pixel decoder sees the
    padding. Without it, the result of an image does not depend on the other images of its batch.

    Args:
        inputs: Normalized and padded images, [B, 3, H, W].
        data_samples: One per image. A batch is not split if they do not have the ``pad_shape`` and the
            ``batch_input_shape`` that ``OneFormerDataPreprocessor`` adds.

    Returns:
        For each group, the indices of its images, and the images without the padding that none of them needs.
    """
    whole = (inputs.shape[-2], inputs.shape[-1])
    indices: dict[Any, list[int]] = {}
    for index, sample in enumerate(data_samples):
        size = sample.pad_shape if 'batch_input_shape' in sample else whole
        indices.setdefault(tuple(size), []).append(index)
    if len(indices) == 1:
        return [(list(range(len(inputs))), inputs)]
    return [(group, inputs[group, :, :height, :width]) for (height, width), group in indices.items()]
