"""Benchmark how fast many pictures are predicted, drawn and written, with a model that takes no time or a real one."""

import os
import time
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import torch
from benchmarking.machine import processor_name
from mmdet.structures import DetDataSample
from mmengine.config import Config

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.config_files import find_config
from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.models.masks.geometry import MaskGeometry
from mmoneformer.models.task_results import POST_PROCESS, ImageLogits, InferenceConfig
from mmoneformer.registry import MODELS
from mmoneformer.tasks import TASKS
from mmoneformer_deploy.image_files import FORMATS

METAINFO = resolve_metainfo('coco')
QUERIES, OBJECTS, INSTANCES, STRIDE = 150, 40, 100, 4
DATA = ('json', 'png', 'coco')


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = ArgumentParser(description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument('--pictures', type=int, default=200, help='number of pictures')
    parser.add_argument('--size', type=int, nargs=2, default=(720, 1280), metavar=('H', 'W'), help='of a picture')
    parser.add_argument('--workers', type=int, default=2, help='processes that draw and write')
    parser.add_argument('--weights', type=Path, metavar='CKPT', help='also predict with this model, on the CPU')
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        images = write_pictures(Path(folder, 'images'), options.pictures, tuple(options.size))
        inferencer = load(options.weights or write_tiny_model(Path(folder)))

        def save(name: str, formats: Sequence[str], workers: int) -> None:
            seconds, cpu = timed(
                lambda: inferencer.save(images, Path(folder, name), formats=formats, num_workers=workers)
            )
            count = options.pictures
            print(f'| {name} | {count / seconds:.2f} | {f"{cpu / count:.3f}" if workers == 0 else "-"} |', flush=True)

        height, width = options.size
        print(
            f'{options.pictures} pictures of {width} x {height}: {processor_name()}, load {os.getloadavg()[0]:.1f}\n'
        )
        print('| what | pictures/s | CPU seconds per picture |\n|---|---|---|')
        if options.weights:
            save(f'{options.weights.name}, one after the other', FORMATS, 0)
            save(f'{options.weights.name}, {options.workers} workers', FORMATS, options.workers)
        inferencer.model = TimelessModel(tuple(options.size))  # type: ignore[assignment]
        for what, formats in (('json and PNGs', DATA), ('all with drawings', FORMATS)):
            save(f'no model, {what}, one after the other', formats, 0)
            save(f'no model, {what}, {options.workers} workers', formats, options.workers)


class TimelessModel:
    """Gives each picture the same results, drawn before: segments and instances with wavy borders.

    Args:
        size: Height and width of the pictures.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.dataset_meta, self.test_cfg = METAINFO, InferenceConfig(max_per_image=INSTANCES)
        self.data_preprocessor = lambda inputs: inputs
        self._sample = DetDataSample(metainfo={'ori_shape': size})
        is_thing = torch.zeros(len(METAINFO['classes']), dtype=torch.bool)
        is_thing[list(METAINFO['thing_ids'])] = True
        logits = ImageLogits(*draw_logits(size), MaskGeometry(size, size, size))
        for task in TASKS:
            POST_PROCESS[task](self._sample, logits, is_thing, self.test_cfg)

    def __call__(self, inputs: list[Any], **_: Any) -> list[DetDataSample]:
        """The results of a batch."""
        return [self._sample] * len(inputs)


def draw_logits(size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Class logits [Q, K + 1] and mask logits [Q, H/4, W/4], of which some are sure of an object."""
    generator, classes = torch.Generator().manual_seed(0), len(METAINFO['classes'])
    labels = torch.randint(0, classes, (QUERIES,), generator=generator)
    labels[OBJECTS:] = classes
    class_logits = torch.randn(QUERIES, classes + 1, generator=generator)
    class_logits[torch.arange(QUERIES), labels] = 12.0
    height, width = size[0] // STRIDE, size[1] // STRIDE
    centers = torch.rand(QUERIES, 2, generator=generator) * torch.tensor([height, width])
    down = torch.arange(height)[:, None] - centers[:, 0, None, None]
    right = torch.arange(width) - centers[:, 1, None, None]
    angle = torch.atan2(down, right)
    radius = (height * width / OBJECTS / 3) ** 0.5 * (0.5 + torch.rand(QUERIES, 1, 1, generator=generator))
    wavy = radius * (1 + 0.15 * torch.sin(5 * angle) + 0.1 * torch.sin(13 * angle))
    return class_logits, 2 * (wavy - torch.hypot(down, right))


def write_pictures(folder: Path, count: int, size: tuple[int, int]) -> Path:
    """Write JPEG files: soft shapes with noise."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        soft = cv2.resize(random.integers(0, 256, (9, 16, 3), np.uint8), size[::-1], interpolation=cv2.INTER_CUBIC)
        noisy = np.clip(soft + random.normal(0, 6, soft.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f'{number:05d}.jpg'), noisy)
    return folder


def load(weights: Path) -> OneFormerInferencer:
    """Load a model on the CPU."""
    return OneFormerInferencer(weights=weights, device='cpu', show_progress=False)


def write_tiny_model(folder: Path) -> Path:
    """Write the model of the shapes recipe, with random weights."""
    config = Config.fromfile(find_config('oneformer_tiny_shapes'))
    torch.manual_seed(0)
    model = MODELS.build(dict(config.model, _scope_='mmoneformer'))
    torch.save({'state_dict': model.state_dict(), 'meta': {'cfg': config.pretty_text}}, folder / 'tiny.pth')
    return folder / 'tiny.pth'


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds, and CPU seconds of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == '__main__':
    main()
