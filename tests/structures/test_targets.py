import torch

from mmoneformer.structures import TargetMasks, Targets


def test_length_is_the_number_of_targets():
    masks = TargetMasks(torch.tensor([[1, 2]]), 2)
    assert len(Targets('panoptic', ['', ''], torch.tensor([0, 3]), masks)) == 2


def test_to_moves_labels_and_masks_and_keeps_the_rest():
    masks = TargetMasks(torch.tensor([[1, 0]]), 1)
    moved = Targets('panoptic', ['a photo with a cat'], torch.tensor([0]), masks, unlabeled=[4]).to('meta')
    assert moved.labels.device.type == moved.masks.id_map.device.type == 'meta'
    assert (moved.task, moved.texts, moved.unlabeled) == ('panoptic', ['a photo with a cat'], [4])
