"""The implementations that are compared, each with one model for all that is measured of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pkgutil import resolve_name
from typing import Any

from torch import nn

from benchmarking.case import Case
from benchmarking.gpu.figures import OURS, Failure
from benchmarking.settings import Settings

Run = Callable[[], Any]
TRANSFORMERS, MASK2FORMER = 'transformers', "mmdet's Mask2Former"
QUICK_MASK2FORMER = {
    'model.panoptic_head.num_queries': 20,
    'model.panoptic_head.pixel_decoder.encoder.num_layers': 1,
    'model.panoptic_head.transformer_decoder.num_layers': 1,
}
QUICK_MASK2FORMER_SWIN = {
    'model.backbone.embed_dims': 16,
    'model.backbone.depths': (1, 1, 1, 1),
    'model.backbone.num_heads': (1, 2, 4, 8),
    'model.panoptic_head.in_channels': [16, 32, 64, 128],
}


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network that all have.

    Attributes:
        title: For the report.
        case: Our config and the size of images.
        mask2former: Name of the config of mmdet's Mask2Former with the same backbone.
        quick_options: Settings that make that one small.
    """

    title: str
    case: Case
    mask2former: str
    quick_options: Mapping[str, Any] = field(default_factory=dict)

    def named(self, settings: Settings) -> str:
        """The title, without the size if that is another."""
        return f'{self.title} (tiny)' if settings.quick else f'{self.title}, {self.case.size[0]} x {self.case.size[1]}'


NETWORKS = {
    'swin-l': Network(
        title='Swin-L',
        case=Case(config='oneformer_swin-l_ade20k', size=(640, 640), masks=40),
        mask2former='mask2former_swin-l-p4-w12-384-in21k_16xb1-lsj-100e_coco-panoptic',
        quick_options=QUICK_MASK2FORMER | QUICK_MASK2FORMER_SWIN,
    ),
    'r50': Network(
        title='R50',
        case=Case(config='oneformer_r50_coco', size=(800, 1344), masks=40),
        mask2former='mask2former_r50_8xb2-lsj-50e_coco-panoptic',
        quick_options=QUICK_MASK2FORMER,
    ),
}


@dataclass(frozen=True)
class Works:
    """A model, and the works it can do.

    Attributes:
        model: The model, on the device.
        forward_of: Makes a forward pass from model and case.
        end_to_end_of: Name of the function of ``end_to_end`` that makes a run from model and case.
        training_step_of: Makes a training step from model and case.
    """

    model: nn.Module
    forward_of: Callable[[Any, Case], Run]
    end_to_end_of: str
    training_step_of: Callable[[Any, Case], Run]

    def forward(self, case: Case) -> Run:
        """A pass of the network, for all tasks."""
        return self.forward_of(self.model, case)

    def end_to_end(self, case: Case) -> Run:
        """From images to results of all tasks."""
        return resolve_name(f'benchmarking.end_to_end:{self.end_to_end_of}')(self.model, case)

    def training_step(self, case: Case) -> Run:
        """Losses, gradients and update."""
        return self.training_step_of(self.model, case)


def build(name: str, network: Network, settings: Settings, *, is_training: bool = False) -> Works:
    """Build the model of an implementation, with random weights.

    Models are built on the CPU, as the tools of each do, and moved.

    Raises:
        ImportError: If it is not installed.
    """
    case = network.case.under(settings)
    if name == OURS:
        from benchmarking import our_model

        return Works(our_model.build(case), our_model.forward_of, 'ours', our_model.training_step_of)
    if name == TRANSFORMERS:
        from benchmarking import hugging_face, our_model

        ours = our_model.build(replace(case, device='cpu'))
        model = hugging_face.from_ours(ours, case, is_training=is_training)
        return Works(model, hugging_face.forward_of, 'transformers', hugging_face.training_step_of)
    from benchmarking import mask2former

    options = network.quick_options if settings.quick else {}
    peer = mask2former.build(case, config=network.mask2former, options=options)
    return Works(peer, mask2former.forward_of, 'mask2former', mask2former.training_step_of)


def build_all(
    names: tuple[str, ...], network: Network, settings: Settings, *, is_training: bool = False
) -> tuple[dict[str, Works], list[Failure]]:
    """Build several; those that cannot be built are failures."""
    built, failures = {}, []
    for name in names:
        try:
            built[name] = build(name, network, settings, is_training=is_training)
        except Exception as error:  # a peer that is not installed, or does not run with what is
            failures.append(Failure.of(f'{network.title}, {name}', error))
    return built, failures


def model_bytes(model: nn.Module) -> int:
    """Bytes of its parameters and buffers."""
    return sum(tensor.numel() * tensor.element_size() for tensor in (*model.parameters(), *model.buffers()))
