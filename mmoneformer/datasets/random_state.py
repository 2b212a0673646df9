"""Random states that follow from what is done, not from what was done before."""

import random

import numpy as np
import torch


def set_random_state(*entropy: int) -> None:
    """Set the state of the generators of Python, numpy and torch (those of GPUs too, where they are in use).

    Args:
        entropy: Numbers of at least 0, such as a seed and an iteration; others give an independent state.
    """
    seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)  # torch.manual_seed keeps a stack trace per call where CUDA is not used
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
