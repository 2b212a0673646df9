import torch

from mmoneformer.models.masks.boxes import mask_boxes, occupied_boxes


def test_boxes():
    masks = torch.zeros(4, 5, 7, dtype=torch.bool)
    masks[0, 1:3, 2:6] = True
    masks[1, 4, 0] = masks[1, 0, 6] = True  # opposite corners
    masks[2] = True
    expected = [[2, 1, 6, 3], [0, 0, 7, 5], [0, 0, 7, 5], [0, 0, 0, 0]]
    assert mask_boxes(masks).tolist() == expected
    assert mask_boxes(masks[:0]).shape == (0, 4)


def test_boxes_of_what_is_occupied():
    columns, rows = torch.zeros(2, 6, dtype=torch.uint8), torch.zeros(2, 4, dtype=torch.uint8)
    columns[0, [1, 4]] = rows[0, 3] = 1
    assert occupied_boxes(columns, rows).tolist() == [[1, 3, 5, 4], [0, 0, 0, 0]]
