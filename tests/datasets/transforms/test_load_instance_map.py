import numpy as np
import pytest
from pycocotools import mask as coco_mask

from mmoneformer.datasets.transforms.load_instance_map import LoadInstanceMap, draw_overlapping

SIZE = (13, 17)


def load(*masks):
    instances = [{'mask': mask} if mask is not None else {} for mask in masks]
    results = LoadInstanceMap()({'img_path': 'a.jpg', 'ori_shape': SIZE, 'instances': instances})
    assert results['seg_fields'] == ['gt_seg_map']
    return results['gt_members'][results['gt_seg_map']].transpose(2, 0, 1)  # [N, H, W]


def encode(mask):
    return coco_mask.encode(np.asfortranarray(mask, np.uint8))


def rectangle(top, bottom, left, right):
    mask = np.zeros(SIZE, bool)
    mask[top:bottom, left:right] = True
    return mask


def test_overlapping_masks_are_restored():
    rng = np.random.default_rng(0)
    masks = rng.random((6, *SIZE)) < 0.3
    masks[2] = rectangle(0, 13, 0, 17)
    masks[4] = False
    drawn = draw_overlapping([encode(mask) for mask in masks], SIZE)
    ids, members = drawn.ids, drawn.members
    assert ids.dtype == np.uint8
    np.testing.assert_array_equal(members[ids].transpose(2, 0, 1), masks)
    assert not members[0].any()
    assert set(np.unique(ids)) | {0} == set(range(len(members)))  # no value without a pixel


def test_many_combinations():
    """2 ** 9 values need 16 bits; 255, with which transforms fill maps, is none of them."""
    codes = np.arange(600).reshape(20, 30) % 512
    masks = [codes >> bit & 1 for bit in range(9)]
    drawn = draw_overlapping([encode(mask) for mask in masks], (20, 30))
    ids, members = drawn.ids, drawn.members
    assert (ids.dtype, members.shape) == (np.uint16, (513, 9))
    assert not members[255].any()
    assert 255 not in ids
    np.testing.assert_array_equal(members[ids].transpose(2, 0, 1), np.array(masks, bool))


def test_each_form_of_a_mask():
    expected = rectangle(2, 6, 3, 11)
    code = encode(expected)
    runs = np.flatnonzero(np.diff(np.r_[False, expected.T.ravel(), False])).tolist()
    counts = np.diff([0, *runs, expected.size]).tolist()
    masks = load(
        [[3, 2, 11, 2, 11, 6, 3, 6]],
        {'size': list(SIZE), 'counts': code['counts'].decode()},
        {'size': list(SIZE), 'counts': counts},
        [[3, 2, 11, 2, 11, 4, 3, 4], [3, 4, 11, 4, 11, 6, 3, 6], [1, 1]],  # two parts, and a point that is no polygon
    )
    np.testing.assert_array_equal(masks, np.stack([expected] * 4))


def test_no_instance():
    assert load().shape == (0, *SIZE)
    assert not load([[1, 2]]).any()


def test_box_without_a_mask():
    with pytest.raises(ValueError, match=r'a\.jpg: an instance has a box, but no segmentation'):
        load(None)


def test_mask_of_another_size():
    code = coco_mask.encode(np.zeros((17, 13), np.uint8, order='F'))
    with pytest.raises(ValueError, match=r'a\.jpg has height and width \(13, 17\), but an instance has \[17, 13\]'):
        load(code)
