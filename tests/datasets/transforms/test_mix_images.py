"""The scenes of conftest.py, two of which are joined."""

import numpy as np
import pytest

from mmoneformer.datasets.transforms import SampleTask
from mmoneformer.datasets.transforms.mix_images import MixTransform, number_in_turn, set_mixed
from mmoneformer.structures import SegmentMap

KINDS = ('panoptic', 'instance', 'semantic')
SIZE = (48, 64)


class Halves(MixTransform):
    """The left half of the image, and the right one of another."""

    def mix(self, results):
        other = self.draw_other(results)
        (left, right), table = number_in_turn([SegmentMap.of_sample(results), SegmentMap.of_sample(other)])
        left[:, 32:] = right[:, 32:]
        results['img'] = np.concatenate([results['img'][:, :32], other['img'][:, 32:]], 1)
        segments = [*results['segments'], *other['segments']]
        return set_mixed(results, segments, SegmentMap(left, len(segments), table))


@pytest.mark.parametrize('kind', KINDS)
def test_two_images(mixing, kind):
    dataset = mixing.Scenes(kind, Halves(prob=1.0))
    partners = set()
    for _ in range(8):
        results = dataset.load(2)
        partners |= mixing.check(kind, results)
        assert results['img_path'] == '2.png'
        assert ('gt_members' in results) == (kind == 'instance')
    assert len(partners) >= 4
    assert 5 not in partners  # other classes are unlabeled there


def test_an_image_without_partners_is_mixed_with_itself(mixing):
    results = mixing.Scenes('panoptic', Halves(prob=1.0)).load(5)
    np.testing.assert_array_equal(results['img'], mixing.scene('panoptic', 5)['img'])


def test_probability(mixing):
    dataset = mixing.Scenes('panoptic', Halves(prob=0.5))
    mixed = sum(len(np.unique(dataset.load(0)['img'][..., 0])) > 1 for _ in range(40))
    assert 6 < mixed < 30  # 0.5, and at times with itself
    with pytest.raises(ValueError, match=r'prob must be 0 to 1, got 1\.5'):
        Halves(prob=1.5)


def test_data_sets_are_handed_to_inner_transforms(mixing):
    inner = Halves(prob=1.0)

    class Inside:
        transforms = [[inner]]

        def __call__(self, results):
            return inner(results)

    assert len(mixing.check('semantic', mixing.Scenes('semantic', Inside()).load(1))) == 2


def test_place_in_the_pipeline(mixing):
    with pytest.raises(RuntimeError, match='Halves has no data set to draw from: it belongs into the pipeline'):
        Halves(prob=1.0)(mixing.scene('panoptic', 0) | {'tasks': ['panoptic']})
    with pytest.raises(KeyError, match='has no gt_seg_map: Halves belongs between LoadPanopticMap or LoadS'):
        mixing.Scenes('panoptic', SampleTask(probabilities={'panoptic': 1}), Halves(prob=1.0)).load(0)
    with pytest.raises(KeyError, match='has no gt_seg_map'):
        Halves(prob=1.0)({'img_path': 'a.png'})


def test_images_that_a_step_rejects_are_drawn_again(mixing):
    def reject(results):
        return None if results['number'] in (1, 3) else results

    dataset = mixing.Scenes('panoptic', reject, Halves(prob=1.0))
    assert set().union(*(mixing.check('panoptic', dataset.load(0)) for _ in range(12))) == {0, 2, 4}
