from pathlib import Path

import numpy as np
import pytest
import torch

DATA = Path(__file__).parents[1] / 'data'


@pytest.fixture
def official_weights():
    """Weights of one of the authors' small models, by name."""

    def load(name):
        arrays = np.load(DATA / f'{name}_weights.npz')
        prefix = 'state_dict/'
        tensors = {key[len(prefix) :]: torch.from_numpy(arrays[key]) for key in arrays if key.startswith(prefix)}
        return {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}

    return load
