"""The authors' small models, as reference inputs, weights and outputs (``tests/data/*_small_*.npz``).

``pytest tests/parity --parity-json docs/parity.json`` also writes the worst differences, for the model zoo.
"""

import json
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.models.backbones.resnet import Bottleneck, ResNet
from mmdet.structures import DetDataSample

from mmoneformer.apis import init_model
from mmoneformer.checkpoints.conversion import convert
from mmoneformer.registry import MODELS
from mmoneformer.tasks import TASKS
from mmoneformer.version import __version__
from mmoneformer_deploy.atomic_files import write_json

DATA = Path(__file__).parents[1] / 'data'
PADDED = (128, 160)
PACKAGES = ('torch', 'numpy', 'transformers')
DEVICES = ('cpu', pytest.param('cuda', marks=pytest.mark.gpu))


class NarrowBottleneck(Bottleneck):
    expansion = 2


@MODELS.register_module()
class NarrowResNet(ResNet):
    arch_settings = {50: (NarrowBottleneck, (3, 4, 6, 3))}


OPTIONS: dict[str, dict[str, Any]] = {  # what their weights cannot tell, and is not as in the paper
    'swin_small': {},
    'r50_small': {'model.backbone.type': 'NarrowResNet', 'model.test_cfg.object_mask_thr': 0.4},
    'convnext_small': {'model.test_cfg.object_mask_thr': 0.3},
    'dinat_small': {'model.backbone.dilations': [[1, 4], [1, 2], [1, 2], [1]]},
}


@dataclass
class Reference:
    """One of the authors' models: what it was given, what it answered, and its weights in ours."""

    name: str
    config: dict[str, Any]
    infer: Any
    train: Any
    model: Any
    inputs: torch.Tensor

    def tensor(self, key: str) -> torch.Tensor:
        part = self.infer if key in self.infer else self.train
        return torch.from_numpy(part[key])

    @torch.no_grad()
    def logits(self) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """Ours of each task, on the CPU."""
        found = self.model(self.inputs, mode='tensor', tasks=tuple(TASKS))
        return {task: tuple(part.float().cpu() for part in parts) for task, parts in found.items()}

    @torch.no_grad()
    def results(self) -> list[DetDataSample]:
        """Ours of each image, on the CPU."""
        sizes = zip(self.config['in_sizes'], self.config['out_sizes'], strict=True)
        samples = [DetDataSample(metainfo=dict(img_shape=tuple(now), ori_shape=tuple(then))) for now, then in sizes]
        return [sample.cpu() for sample in self.model(self.inputs, samples, mode='predict')]


def official_weights(name: str) -> dict[str, torch.Tensor]:
    arrays = np.load(DATA / f'{name}_weights.npz')
    prefix = 'state_dict/'
    tensors = {key[len(prefix) :]: torch.from_numpy(arrays[key]) for key in arrays.files if key.startswith(prefix)}
    return {key: tensor.float() if tensor.is_floating_point() else tensor.long() for key, tensor in tensors.items()}


def normalize(config: dict[str, Any], images: list[np.ndarray]) -> torch.Tensor:
    mean, std = (torch.tensor(config[key])[:, None, None] for key in ('pixel_mean', 'pixel_std'))
    inputs = torch.zeros(len(images), 3, *PADDED)
    for padded, image in zip(inputs, images, strict=True):
        padded[:, : image.shape[1], : image.shape[2]] = (torch.from_numpy(image) - mean) / std
    return inputs


@dataclass
class Parity:
    """The worst difference of each quantity of each model, and its bound."""

    models: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)

    def check(self, model: str, quantity: str, differences: Any, bound: float) -> None:
        """Check that no difference (a tensor, an array or a number) is above its bound, and keep the worst."""
        worst = abs(torch.as_tensor(differences)).max().item()
        assert worst <= bound, f'{quantity} of {model} differ by {worst:.1e}, more than {bound}'
        found = self.models.setdefault(model, {}).setdefault(quantity, {'bound': bound, 'worst': worst})
        found['worst'] = max(worst, found['worst'])

    def write(self, path: Path) -> None:
        """Write what was checked, with the versions and the date."""
        versions = {'mmoneformer': __version__, 'python': platform.python_version()}
        versions |= {name: version(name) for name in PACKAGES}
        for found in (found for model in self.models.values() for found in model.values()):
            found['worst'] = float(f'{found["worst"]:.2g}')
        models = {name: dict(sorted(found.items())) for name, found in sorted(self.models.items())}
        write_json(path, {'date': str(date.today()), 'versions': versions, 'models': models}, indent=1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption('--parity-json', metavar='FILE', type=Path, help='write the worst differences; without xdist')


@pytest.fixture(scope='session')
def parity(request: pytest.FixtureRequest) -> Iterator[Parity]:
    found = Parity()
    yield found
    path = request.config.getoption('--parity-json', default=None)
    if path:
        found.write(path)


@pytest.fixture(scope='session', params=DEVICES)
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the models compute, in float32: TensorFloat-32 is off."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield request.param
    torch.backends.cudnn.allow_tf32 = before


@pytest.fixture(scope='session', params=list(OPTIONS))
def reference(request: pytest.FixtureRequest, device: str, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """The authors' file is converted, and the model comes from the converted file alone."""
    name = request.param
    infer, train = (dict(np.load(DATA / f'{name}_{part}.npz')) for part in ('infer', 'train'))
    config = json.loads(str(infer['config_json']))
    folder = tmp_path_factory.mktemp(name)
    torch.save({'model': official_weights(name)}, folder / 'official.pth')
    checkpoint = convert(folder / 'official.pth', folder / 'ours.pth', cfg_options=OPTIONS[name])
    model = init_model(checkpoint=checkpoint, device=device)
    inputs = normalize(config, [infer['image0'], infer['image1']]).to(device)
    return Reference(name, config, infer, train, model, inputs)
