import torch

from mmoneformer.models.masks.block_batches import STEP, NeededMasks, list_marks, make_batches


def draw_needed(seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(7, 50, generator=generator) < torch.rand(50, generator=generator) ** 2


def test_batches_are_what_is_needed():
    masks, blocks = torch.arange(7) * 3, torch.arange(50) + 100
    needed = [draw_needed(seed) for seed in (0, 1)]
    parts = [NeededMasks.of(blocks + 50 * number, masks, part) for number, part in enumerate(needed)]
    found, chosen = set(), []
    for batch in make_batches(parts, block_size=64):
        counts = batch.is_mask.sum(1)
        assert counts.max() <= 1.25 * counts.min()
        chosen.append(batch.chosen)
        for block, row, is_mask in zip(batch.blocks.tolist(), batch.masks, batch.is_mask, strict=True):
            found |= {(block, mask) for mask in row[is_mask].tolist()}
            assert (row[~is_mask] == row[is_mask][-1]).all()
    expected = {
        (100 + 50 * number + block, 3 * mask)
        for number, part in enumerate(needed)
        for mask, block in part.nonzero().tolist()
    }
    assert found == expected
    assert torch.cat(chosen).sort().values.tolist() == list(range(sum(len(part.blocks) for part in parts)))


def test_batches_are_small():
    needed = torch.ones(2, 100, dtype=torch.bool)
    parts = [NeededMasks.of(torch.arange(100), torch.arange(2), needed)]
    assert [len(batch.blocks) for batch in make_batches(parts, block_size=STEP // 80)] == [40, 40, 20]
    assert len(list(make_batches(parts, block_size=10 * STEP))) == 100


def test_nothing_is_needed():
    assert list(make_batches([], 64)) == []
    none = NeededMasks.of(torch.arange(3), torch.arange(2), torch.zeros(2, 3, dtype=torch.bool))
    assert list(make_batches([none], 64)) == []


def test_marks_are_listed():
    marks = torch.tensor([[0, 1, 0, 1], [1, 0, 0, 0], [1, 1, 1, 0]], dtype=torch.bool)
    assert list_marks(marks).tolist() == [[1, 3, 3], [0, 0, 0], [0, 1, 2]]
    assert list_marks(marks[:, :0]).shape == (3, 0)
