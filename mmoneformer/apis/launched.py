"""Prediction in several processes that a launcher started, for example torchrun."""

import torch
from mmengine.dist import all_gather_object, get_rank, get_world_size, init_dist, is_distributed

from mmoneformer.apis.device import trains_on_accelerator
from mmoneformer_deploy.share import Share


def join_processes(launcher: str) -> bool:
    """Join the other processes of a launcher; each process with an accelerator then uses one of its own.

    Args:
        launcher: 'none', 'pytorch', 'slurm' or 'mpi'.

    Returns:
        Whether this process is the first.

    Raises:
        RuntimeError: If the launcher did not start this process.
    """
    if launcher == 'none':
        return True
    try:
        if launcher == 'pytorch' and not trains_on_accelerator():
            torch.distributed.init_process_group('gloo')
        else:
            init_dist(launcher)
    except (KeyError, ValueError) as error:  # of variables that are missing in the environment
        message = f'the launcher {launcher!r} did not start this process, {error}: call tools/dist_predict.sh'
        raise RuntimeError(message) from error
    return get_rank() == 0


def this_share() -> Share | None:
    """The share of this process in the images of a call; None if it has no others beside it."""
    return Share(get_rank(), get_world_size(), all_gather_object) if is_distributed() else None


def check_film(track: bool, *, resume: bool, is_shared: bool) -> None:
    """Check that, if images are the frames of a film, one process predicts all of them.

    Raises:
        ValueError: If not.
    """
    if track and (resume or is_shared):
        what = 'resumed' if resume else 'shared among processes'
        raise ValueError(f'a film cannot be {what}: the ids of its objects depend on the frames before')
