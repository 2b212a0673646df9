"""The size of the work that both sides of a comparison do."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarking.settings import Settings

QUICK_NETWORK: dict[str, Any] = {  # shallow and narrow, of the same kind
    'model.panoptic_head.num_queries': 20,
    'model.panoptic_head.channels': 64,
    'model.panoptic_head.pixel_decoder.num_layers': 1,
    'model.panoptic_head.text_mapper.encoder': dict(type='TextEncoder', width=64, num_layers=1),
}
QUICK_SWIN: dict[str, Any] = {
    'model.backbone.embed_dims': 16,
    'model.backbone.depths': (1, 1, 1, 1),
    'model.backbone.num_heads': (1, 2, 4, 8),
    'model.panoptic_head.pixel_decoder.in_channels': [16, 32, 64, 128],
}
QUICK_VIT: dict[str, Any] = {'model.backbone.model': 'test_vit'}


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is computed, on what, and how precisely.

    Attributes:
        config: Name of our config, without suffix.
        options: Settings of the config to change; keys as in ``model.test_cfg.overlap_thr``.
        size: Height and width of the images in pixels, multiples of 32.
        batch: Images of a step.
        tasks: Asked of each image; in training, the task of image i is ``tasks[i % len(tasks)]``.
        masks: Annotated segments of an image.
        queries: Of post-processing, which runs without a network.
        samples: Images of a run of the data pipeline.
        precision: 'float32', 'tf32' (float32 whose matrix products are rounded, on CUDA) or 'bfloat16' (autocast).
        compiled: Whether the network goes through ``torch.compile``.
        cuda_graphs: Whether our network is replayed from CUDA graphs in inference.
        device: Where it runs.
    """

    config: str = ''
    options: Mapping[str, Any] = field(default_factory=dict)
    size: tuple[int, int] = (640, 640)
    batch: int = 1
    tasks: tuple[str, ...] = ('panoptic',)
    masks: int = 15
    queries: int = 250
    samples: int = 20
    precision: str = 'float32'
    compiled: bool = False
    cuda_graphs: bool = False
    device: str = 'cpu'

    def under(self, settings: Settings) -> 'Case':
        """The work as a run's settings want it."""
        case = self._quick() if settings.quick else self
        return replace(case, device=settings.device)

    def _quick(self) -> 'Case':
        """The same work at a size that takes a fraction of a second: it shows that the measuring works, no more."""
        network = QUICK_NETWORK if self.config else {}
        backbone = QUICK_SWIN if 'swin' in self.config else QUICK_VIT if 'dino' in self.config else {}
        return replace(
            self,
            options={**network, **backbone, **self.options},
            size=(64, 96),
            batch=min(self.batch, 2),
            masks=5,
            queries=20,
            samples=2,
        )
