"""The network as one graph: images and tasks as inputs, and all of their sizes variable."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmoneformer.models import OneFormer
from mmoneformer.models.backbones.dinat import NeighborhoodAttention
from mmoneformer.models.layers.deformable_attention import DeformableAttention
from mmoneformer.models.layers.lora import without_lora
from mmoneformer.models.masked_decoder import mask_logits
from mmoneformer.models.ops.deformable_sampling import Sample, sample_by_gather, sample_by_grid

if TYPE_CHECKING:
    from torch.export import ExportedProgram

DIVISOR = 32  # of the sides of an image: the greatest stride of the backbone
SAMPLING: dict[str, Sample] = {'grid': sample_by_grid, 'gather': sample_by_gather}
# [B, 3, H, W] of the images that are traced: no map of the network has an axis with one entry, or two equal axes, of
# which torch would record what is true for them alone
EXAMPLE = (2, 3, 26 * DIVISOR, 38 * DIVISOR)


class ExportedNetwork(nn.Module):
    """Backbone and head of a model, with the normalization of images.

    Shapes: B images, T tasks, Q queries, K classes, H x W pixels, multiples of 32.

    Args:
        model: The model, in evaluation mode; its modules are shared, but for a backbone with LoRA, which is merged.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: OneFormer) -> None:
        super().__init__()
        preprocessor = model.data_preprocessor
        self.is_bgr = not preprocessor._channel_conversion  # images are loaded as BGR, and converted to RGB
        self.register_buffer('mean', preprocessor.mean)
        self.register_buffer('std', preprocessor.std)
        self.backbone = without_lora(model.backbone)
        self.head = model.panoptic_head
        self.num_layers = model.test_cfg.num_layers

    def forward(self, images: Tensor, tasks: Tensor) -> tuple[Tensor, Tensor]:
        """Predict classes and masks; images are processed once, whatever the tasks.

        Args:
            images: RGB, 0 to 255, padded; float32 [B, 3, H, W].
            tasks: Positions of the tasks in ``TASKS``, int64 [T].

        Returns:
            Class logits [B, T, Q, K + 1] and mask logits [B, T, Q, H/4, W/4].
        """
        images = images.flip(1) if self.is_bgr else images
        features = self.backbone((images - self.mean) / self.std)
        tokens = self.head.task_token.of_indices(tasks).expand(images.shape[0], -1, -1)  # [B, T, C]
        output = self.head.predict(features, tokens, self.num_layers)
        class_logits, embeddings = output.predictions[-1]
        return class_logits, mask_logits(embeddings, output.mask_features)


@torch.no_grad()
def trace(network: ExportedNetwork, *, sampling: str = 'grid') -> 'ExportedProgram':
    """Record the graph for any number of images and tasks, and any size that is a multiple of 32.

    Args:
        network: The network.
        sampling: How deformable attention samples, one of ``SAMPLING``.

    Raises:
        ValueError: If torch cannot record it.
    """
    if any(isinstance(module, NeighborhoodAttention) for module in network.modules()):
        raise ValueError(
            f'{type(network.backbone).__name__} cannot be exported: torch cannot record it for all sizes, as the '
            'number of its tiles depends on the size: export a model with another backbone'
        )
    from torch.export import Dim, export  # here: importing it takes long

    batch, tasks, rows, columns = (Dim(name, min=1) for name in ('batch', 'tasks', 'rows', 'columns'))
    shapes = {'images': {0: batch, 2: DIVISOR * rows, 3: DIVISOR * columns}, 'tasks': {0: tasks}}
    device = network.mean.device
    example = (torch.zeros(EXAMPLE, device=device), torch.arange(3, device=device))
    with _sampling_by(network, SAMPLING[sampling]):
        try:
            return export(network, example, dynamic_shapes=shapes, strict=False)
        except Exception as error:  # torch has many classes of them
            raise ValueError(
                f'{type(network.backbone).__name__} cannot be exported: torch cannot record it for all sizes ({error})'
            ) from error


@contextmanager
def _sampling_by(network: nn.Module, sample: Sample) -> Iterator[None]:
    """Context in which all deformable attention of a network samples in one form."""
    layers = [module for module in network.modules() if isinstance(module, DeformableAttention)]
    forms = [layer.sample for layer in layers]
    for layer in layers:
        layer.sample = sample
    try:
        yield
    finally:
        for layer, form in zip(layers, forms, strict=True):
            layer.sample = form
