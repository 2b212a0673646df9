import random

import numpy as np
import torch

from mmoneformer.datasets.random_state import set_random_state


def draws():
    return random.random(), np.random.rand(), torch.rand(()).item()


def test_the_same_numbers_give_the_same_state():
    set_random_state(0, 5, 7)
    first = draws()
    draws()
    set_random_state(0, 5, 7)
    assert draws() == first


def test_other_numbers_give_another_state():
    seen = []
    for entropy in ((0, 5, 7), (1, 5, 7), (0, 7, 5), (5, 7)):
        set_random_state(*entropy)
        seen.append(draws())
    for values in zip(*seen, strict=True):
        assert len(set(values)) == 4
