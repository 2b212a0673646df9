import torch
import torch.nn.functional as F

from mmoneformer.models.backbones.feature_pyramid import SimpleFeaturePyramid


@torch.no_grad()
def test_maps():
    """Transposed convolutions without overlap are linear layers of each position, laid out as 2 x 2."""
    torch.manual_seed(0)
    pyramid = SimpleFeaturePyramid(8)
    stride16 = torch.randn(2, 8, 4, 6)

    def doubled(layer, inputs):
        outputs = torch.einsum('bihw,ioyx->bohywx', inputs, layer.weight) + layer.bias[:, None, None, None, None]
        return outputs.flatten(2, 3).flatten(3, 4)

    first, norm, _, second = pyramid.stride4
    normed = F.layer_norm(doubled(first, stride16).permute(0, 2, 3, 1), (4,), eps=norm.eps).permute(0, 3, 1, 2)
    expected = [
        doubled(second, F.gelu(normed)),
        doubled(pyramid.stride8, stride16),
        stride16,
        stride16.unflatten(2, (2, 2)).unflatten(4, (3, 2)).amax((3, 5)),
    ]
    maps = pyramid(stride16)
    assert [tuple(output.shape) for output in maps] == [(2, 2, 16, 24), (2, 4, 8, 12), (2, 8, 4, 6), (2, 8, 2, 3)]
    for output, wanted in zip(maps, expected, strict=True):
        torch.testing.assert_close(output, wanted)
