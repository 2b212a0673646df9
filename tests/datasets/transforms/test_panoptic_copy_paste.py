import numpy as np
import pytest

from mmoneformer.datasets.transforms import PanopticCopyPaste
from mmoneformer.structures import SegmentMap

KINDS = ('panoptic', 'instance', 'semantic')
SIZE, THINGS = (48, 64), (1, 2)


@pytest.mark.parametrize('kind', KINDS)
def test_things_are_pasted(mixing, kind):
    dataset = mixing.Scenes(kind, PanopticCopyPaste())
    seen = set()
    for _ in range(6):
        results = dataset.load(1)
        seen |= mixing.check(kind, results, only_pasted=True)
        visible = SegmentMap.of_sample(results).visible()
        pasted = [s for n, s in enumerate(results['segments']) if s['of'][0] != 1 and visible[n]]
        assert all(segment['label'] in THINGS for segment in pasted)
    assert len(seen) > 2


def test_number_of_segments(mixing):
    dataset = mixing.Scenes('panoptic', PanopticCopyPaste(max_num_pasted=3))
    counts = [sum(s['of'][0] != 0 for s in dataset.load(0)['segments']) for _ in range(20)]
    assert set(counts) <= {0, 1, 2, 3}  # none, where the image meets itself
    assert max(counts) == 3
    with pytest.raises(ValueError, match='max_num_pasted must be at least 1, got 0'):
        PanopticCopyPaste(max_num_pasted=0)


def test_crowds_and_stuff_are_not_pasted(mixing):
    def all_crowd(results):
        for segment in results['segments']:
            segment['iscrowd'] = int(segment['label'] in THINGS)
        return results

    results = mixing.Scenes('panoptic', all_crowd, PanopticCopyPaste()).load(0)
    np.testing.assert_array_equal(results['img'], mixing.scene('panoptic', 0)['img'])
    assert len(results['segments']) == 119


@pytest.mark.parametrize('size', [(20, 90), (70, 30)])
def test_images_of_other_sizes(mixing, size):
    """The parts that overlap, at random places."""

    def resize(results):
        if results['number'] != 0:
            rows, columns = np.arange(size[0]) % SIZE[0], np.arange(size[1]) % SIZE[1]
            for key in ('img', 'gt_seg_map'):
                results[key] = results[key][rows][:, columns]
        return results

    dataset = mixing.Scenes('panoptic', resize, PanopticCopyPaste())
    seen = [mixing.check('panoptic', dataset.load(0) | {'img_shape': SIZE}, only_pasted=True) for _ in range(8)]
    assert len(set().union(*seen)) > 2
