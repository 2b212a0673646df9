import pytest
import torch

from mmoneformer.models.task_token import TaskToken

# "The task is ..." as the authors' code reads it (``task_tokens`` of tests/data/swin_small_infer.npz)
IDS = {
    'panoptic': [49406, 518, 10549, 533, 1072, 24755, 49407],
    'instance': [49406, 518, 10549, 533, 34572, 49407],
    'semantic': [49406, 518, 10549, 533, 29119, 1550, 49407],
}
TASKS = ['semantic', 'panoptic', 'instance', 'semantic']


@pytest.fixture
def task_token():
    return TaskToken(32)


def test_the_ids_themselves_are_the_input(task_token):
    inputs = torch.zeros(len(TASKS), 77)
    for row, task in zip(inputs, TASKS, strict=True):
        row[: len(IDS[task])] = torch.tensor(IDS[task])
    first, last = task_token.mlp.layers
    expected = (inputs @ first.weight.T + first.bias).clamp(min=0) @ last.weight.T + last.bias
    tokens = task_token(TASKS)
    torch.testing.assert_close(tokens, expected)
    assert torch.equal(tokens[0], tokens[3])
    assert not torch.allclose(tokens[0], tokens[1])


def test_tasks_by_their_positions(task_token):
    positions = torch.tensor([list(IDS).index(task) for task in TASKS])
    assert torch.equal(task_token.of_indices(positions), task_token(TASKS))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_float32_under_autocast(task_token, dtype):
    """With weights such that the token is beyond float16's 65504."""
    for layer in task_token.mlp.layers:
        layer.weight.data *= 4
    expected = task_token(TASKS)
    assert expected.abs().max() > 65504
    with torch.autocast('cpu', dtype):
        tokens = task_token(TASKS)
    assert tokens.dtype == torch.float32
    assert torch.equal(tokens, expected)


def test_task_that_the_model_was_not_built_for(task_token):
    with pytest.raises(ValueError, match=r"built for the tasks \['panoptic', 'instance', 'semantic'\], got 'part'"):
        task_token(['panoptic', 'part'])
