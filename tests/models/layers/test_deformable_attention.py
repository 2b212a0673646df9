import torch
from mmcv.ops import multi_scale_deform_attn as mmcv_attention

from mmoneformer.models.layers.deformable_attention import DeformableAttention
from mmoneformer.models.layers.position_encoding import level_scale

SIZES = [(2, 3), (4, 5), (7, 9)]
TOKENS = sum(height * width for height, width in SIZES)


def test_module_equals_that_of_mmcv():
    ours = DeformableAttention(16, num_heads=4, num_points=2)
    for parameter in ours.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    theirs = mmcv_attention.MultiScaleDeformableAttention(
        embed_dims=16, num_heads=4, num_levels=3, num_points=2, dropout=0, batch_first=True
    )
    theirs.load_state_dict(ours.state_dict())
    query, value, reference = torch.randn(2, TOKENS, 16), torch.randn(2, TOKENS, 16), torch.rand(TOKENS, 2)
    expected = theirs(
        query,
        value=value,
        identity=torch.zeros_like(query),
        reference_points=reference[None, :, None].expand(2, -1, 3, -1),
        spatial_shapes=torch.tensor(SIZES),
        level_start_index=torch.tensor([0, 6, 26]),
    )
    torch.testing.assert_close(ours(query, value, reference, SIZES, level_scale(SIZES, query.device)), expected)


def test_heads_start_in_eight_directions_one_two_and_more_tokens_away():
    attention = DeformableAttention(16)
    offsets = attention.sampling_offsets(torch.randn(16)).view(8, 3, 4, 2)
    directions = torch.tensor([[1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1]])
    expected = directions[:, None, None] * torch.arange(1, 5)[:, None]
    torch.testing.assert_close(offsets, expected.expand(-1, 3, -1, -1).float(), atol=1e-5, rtol=0)
    assert not attention.attention_weights(torch.randn(16)).any()  # so all points count the same
