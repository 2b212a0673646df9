import pytest
import torch
import torch.nn.functional as F

from mmoneformer.models import mask_resize
from mmoneformer.models.mask_resize import Frame, row_blocks

FRAMES = {
    'larger': Frame((32, 48), (29, 45), (61, 95)),
    'smaller': Frame((64, 96), (61, 90), (20, 33)),
    'as it is': Frame((32, 48), (29, 45), (29, 45)),
    'without padding': Frame((32, 64), (32, 64), (37, 51)),
    'higher and narrower': Frame((64, 96), (61, 90), (90, 61)),
    'one row': Frame((32, 64), (1, 64), (1, 70)),
}


def plain(masks, frame):
    """All rows at once."""
    padded = F.interpolate(masks[None], frame.padded, mode='bilinear', align_corners=False)
    image = padded[:, :, : frame.image[0], : frame.image[1]]
    return F.interpolate(image, frame.original, mode='bilinear', align_corners=False)[0]


@pytest.mark.parametrize('block_rows', [1, 7, 1000])
@pytest.mark.parametrize('frame', FRAMES.values(), ids=FRAMES)
def test_blocks_equal_the_whole(monkeypatch, frame, block_rows):
    masks = torch.randn(3, frame.padded[0] // 4, frame.padded[1] // 4)
    height, width = frame.original
    monkeypatch.setattr(mask_resize, 'BLOCK_ELEMENTS', {'cpu': 3 * width * block_rows})
    expected = plain(masks, frame)
    seen = torch.zeros(height, dtype=torch.int64)
    for rows, logits in row_blocks(masks, frame):
        seen[rows] += 1
        assert len(range(height)[rows]) <= block_rows
        torch.testing.assert_close(logits, expected[:, rows], atol=1e-5, rtol=0)
    assert seen.tolist() == [1] * height


def test_masks_already_at_full_size_are_only_cropped():
    masks = torch.randn(2, 8, 12)
    ((rows, logits),) = row_blocks(masks, Frame((8, 12), (7, 9), (7, 9)))
    assert rows == slice(0, 7)
    assert torch.equal(logits, masks[:, :7, :9])


def test_half_precision_becomes_float32_before_it_is_interpolated():
    masks = torch.randn(2, 8, 12).bfloat16()
    frame = FRAMES['larger']
    ((_, logits),) = row_blocks(masks, frame)
    torch.testing.assert_close(logits, plain(masks.float(), frame), atol=1e-5, rtol=0)


@pytest.mark.parametrize('frame', FRAMES.values(), ids=FRAMES)
def test_no_mask(frame):
    blocks = list(row_blocks(torch.zeros(0, frame.padded[0] // 4, frame.padded[1] // 4), frame))
    assert torch.cat([logits for _, logits in blocks], dim=1).shape == (0, *frame.original)
