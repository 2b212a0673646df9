from mmoneformer_deploy.colors import region_colors

PALETTE = [(70, 130, 180), (220, 20, 60)]


def test_the_first_of_a_class_has_its_color():
    assert region_colors([1, 0], PALETTE) == [(220, 20, 60), (70, 130, 180)]


def test_the_others_have_shades_of_it():
    colors = region_colors([1] * 60 + [0], PALETTE)
    assert colors[-1] == PALETTE[0]
    assert len(set(colors)) == 61
    assert all(red > max(green, blue) for red, green, blue in colors[:-1])


def test_shades_that_are_given_stay():
    counted = region_colors([1, 1, 1], PALETTE)
    assert region_colors([0, 1, 1], PALETTE, [0, 2, 1]) == [PALETTE[0], counted[2], counted[1]]
