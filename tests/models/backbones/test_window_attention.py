import pytest
import torch

import mmoneformer  # noqa: F401
from mmoneformer.models.backbones.window_attention import WindowAttention, lay_windows, lay_windows_for_all_sizes

CPU = torch.device('cpu')


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_windows_of_a_small_map():
    """Two maps of 3 x 4 tokens in windows of 2; 24 is beyond them."""
    layout = lay_windows(2, (3, 4), window=2, shift=0, device=CPU)
    first = [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 24, 24], [10, 11, 24, 24]]
    second = [[token + 12 if token < 24 else 24 for token in window] for window in first]
    assert layout.to_windows.view(-1, 4).tolist() == first + second
    assert [group.num_windows for group in layout.groups] == [8]
    assert layout.groups[0].separated is None


def test_shifted_windows_of_a_small_map():
    """A map of 4 x 4 tokens, shifted by one: complete windows first, then those cut by a border, the corner last."""
    layout = lay_windows(1, (4, 4), window=2, shift=1, device=CPU)
    assert layout.to_windows.view(-1, 4).tolist() == [[5, 6, 9, 10], [7, 4, 11, 8], [13, 14, 1, 2], [15, 12, 3, 0]]
    assert [group.num_windows for group in layout.groups] == [1, 1, 1, 1]
    _, left_right, top_bottom, corner = (group.separated for group in layout.groups)
    assert left_right.int().tolist() == [[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]]
    assert top_bottom.int().tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]]
    assert torch.equal(corner, ~torch.eye(4, dtype=torch.bool))


@pytest.mark.parametrize('shift', [0, 1])
@pytest.mark.parametrize('size', [(3, 7), (6, 9), (2, 2)])
def test_back_from_the_windows(size, shift):
    layout = lay_windows(2, size, window=3, shift=shift, device=CPU)
    tokens = torch.arange(2 * size[0] * size[1])
    assert torch.equal(layout.to_windows[layout.from_windows], tokens)
    assert sum(group.num_windows for group in layout.groups) * 9 == len(layout.to_windows)


@torch.no_grad()
@pytest.mark.parametrize('shift', [0, 1])
@pytest.mark.parametrize('size', [(3, 7), (6, 9), (2, 2)])
def test_layout_of_recorded_graphs(size, shift):
    """Windows are in another order there; what tokens attend to is the same."""
    attention = WindowAttention(4, num_heads=2, window=3)
    tokens = torch.randn(2, size[0] * size[1], 4)
    layouts = [lay(2, size, window=3, shift=shift, device=CPU) for lay in (lay_windows, lay_windows_for_all_sizes)]
    assert [len(layout.groups) for layout in layouts] == [4 if shift else 1, 1]
    torch.testing.assert_close(attention(tokens, layouts[1]), attention(tokens, layouts[0]))


def test_bias_depends_on_the_offset_alone():
    """With zero keys and queries, each token attends to the one on its right, or at the border to all."""
    attention = WindowAttention(4, num_heads=1, window=3)
    torch.nn.init.eye_(attention.proj.weight)
    torch.nn.init.zeros_(attention.proj.bias)
    torch.nn.init.zeros_(attention.qkv.bias)
    attention.qkv.weight.data = torch.cat((torch.zeros(8, 4), torch.eye(4)))
    table = torch.zeros(5, 5)  # by query minus key, rows and columns, both from -2
    table[2, 1] = 100
    attention.relative_position_bias_table.data = table.view(25, 1)
    tokens = torch.randn(1, 9, 4)
    with torch.no_grad():
        found = attention(tokens, lay_windows(1, (3, 3), window=3, shift=0, device=CPU)).view(3, 3, 4)
    torch.testing.assert_close(found[:, :2], tokens.view(3, 3, 4)[:, 1:])
    torch.testing.assert_close(found[:, 2], tokens.mean(1).expand(3, -1))
