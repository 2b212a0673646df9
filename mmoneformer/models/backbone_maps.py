"""What maps a backbone gives: found when the model is built, by a pass of a small blank image.

On a CPU it takes less time than torch's ``meta`` device, which computes shapes alone, in Python.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from logging import WARNING
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

STRIDES = [4, 8, 16, 32]
SIDES = (64, 224)  # of the blank image, in pixels: some backbones take images of one size, that of ImageNet's crops


def with_channels(head: Mapping[str, Any], backbone: nn.Module) -> dict[str, Any]:
    """Config of the head, whose pixel decoder has the channels of the backbone as ``in_channels``.

    Args:
        head: Config of the head; ``pixel_decoder.in_channels`` may be left out.
        backbone: Takes images [B, 3, H, W]. If it does not run on a CPU, its maps are not checked.

    Raises:
        ValueError: If the strides of the maps are not 4, 8, 16, 32; if ``in_channels`` are not their channels, or are
            left out where the backbone does not run.
    """
    decoder = head.get('pixel_decoder')
    given = decoder.get('in_channels') if isinstance(decoder, Mapping) else None
    try:
        maps, side = run_blank(backbone)
    except RuntimeError as error:
        if given is None:
            raise ValueError(f'set panoptic_head.pixel_decoder.in_channels: {error}') from error
        return dict(head)
    channels = _check_strides(maps, side, type(backbone).__name__)
    if side != SIDES[0]:
        print_log(
            f'{type(backbone).__name__} runs on an image of {side} x {side} pixels, and not on one of {SIDES[0]} x '
            f'{SIDES[0]}: if it takes images of one size only, training with others will fail',
            logger='current',
            level=WARNING,
        )
    if not isinstance(decoder, Mapping):
        return dict(head)
    if given is not None and list(given) != channels:
        raise ValueError(
            f'panoptic_head.pixel_decoder.in_channels is {list(given)}, but the maps of {type(backbone).__name__} '
            f'have {channels} channels: leave in_channels out'
        )
    return dict(head) | {'pixel_decoder': dict(decoder) | {'in_channels': channels}}


def run_blank(backbone: nn.Module) -> tuple[Any, int]:
    """Run a backbone on a blank image, in evaluation mode.

    Returns:
        What it gives, for a batch of one image; and the height and width of the image in pixels.

    Raises:
        RuntimeError: If it does not run; the message has the last reason.
    """
    device = next((parameter.device for parameter in backbone.parameters()), torch.device('cpu'))
    reason = ''
    for side in SIDES:
        try:
            with evaluation_mode(backbone), torch.no_grad(), torch.random.fork_rng(devices=[]):
                return backbone(torch.zeros(1, 3, side, side, device=device)), side
        except Exception as error:  # of any class: a backbone may come from any library
            reason = f'{type(error).__name__}: {error}'.partition('\n')[0]
    raise RuntimeError(f'{type(backbone).__name__} does not run on a blank image ({reason})')


@contextmanager
def evaluation_mode(backbone: nn.Module) -> Iterator[None]:
    """Put all modules in evaluation mode, and then each back in its own; ``train()`` of a backbone may do more."""
    modes = [(module, module.training) for module in backbone.modules()]
    for module, _ in modes:
        module.training = False
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _check_strides(maps: Any, side: int, name: str) -> list[int]:
    """Check what a backbone gives for a square image, and return the channels of its maps."""
    maps = list(maps) if isinstance(maps, list | tuple) else [maps]
    shapes = [list(part.shape) if isinstance(part, Tensor) else type(part).__name__ for part in maps]
    if not all(isinstance(part, Tensor) and part.ndim == 4 and part.shape[2] == part.shape[3] for part in maps):
        raise ValueError(
            f'the backbone {name} gives {shapes} for an image of {side} x {side} pixels, not four maps [B, C, H, W] '
            f'of strides {STRIDES}'
        )
    strides = [side / max(part.shape[3], 1) for part in maps]
    if strides != STRIDES:
        listed = ', '.join(f'{stride:g}' for stride in strides)
        raise ValueError(
            f'the backbone {name} gives {len(maps)} maps of strides [{listed}], not of {STRIDES}: choose them by its '
            'out_indices, strides and dilations, or take a backbone of several scales, such as Swin or ConvNeXt'
        )
    return [int(part.shape[1]) for part in maps]
