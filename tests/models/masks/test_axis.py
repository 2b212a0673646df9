import torch

from mmoneformer.models.masks.axis import AxisGeometry, axis_steps, find_taps


def test_taps_are_what_pixels_are_interpolated_from(draw_masks, full_size, geometry):
    masks = draw_masks(1)
    taps, weights = zip(
        *(
            find_taps(torch.arange(length), axis_steps(masks.shape[axis + 1], AxisGeometry.of(geometry, axis)))
            for axis, length in enumerate(geometry.original)
        ),
        strict=True,
    )
    values = masks[0][taps[0][:, :, None, None], taps[1]]  # [H, taps of a row, W, taps of a column]
    found = (values * weights[0][:, :, None, None] * weights[1]).sum((1, 3))
    torch.testing.assert_close(found, full_size(masks)[0], atol=1e-4, rtol=0)


def test_an_axis_of_the_geometry(geometry):
    for axis in (0, 1):
        expected = (*(size[axis] for size in geometry[:3]), geometry.flipped[axis])
        assert AxisGeometry.of(geometry, axis) == expected


def test_steps_along_each_dimension():
    (step,) = axis_steps(3, AxisGeometry(6, 6, 6, False))
    values = torch.tensor([[[0.0, 4.0, 8.0]]])
    expected = torch.tensor([0.0, 1.0, 3.0, 5.0, 7.0, 8.0])
    torch.testing.assert_close(step.apply(values, 2)[0, 0], expected)
    torch.testing.assert_close(step.apply(values.mT, 1)[0, :, 0], expected)
