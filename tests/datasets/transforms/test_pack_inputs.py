import numpy as np
import pytest
import torch

from mmoneformer.datasets.transforms.pack_inputs import PackOneFormerInputs
from mmoneformer.structures import TargetMasks, Targets

IMAGE = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3)
SEGMENTS = [
    {'id': 1, 'label': 7, 'iscrowd': 0},
    {'id': 2, 'label': 5, 'iscrowd': 1},
    {'id': 3, 'label': 0, 'iscrowd': 0},
]

CLASSES = {'classes': tuple('abcdefghi'), 'thing_ids': (7,)}


@pytest.fixture
def annotated():
    seg_map = np.array([[1, 1, 0, 3], [2, 2, 3, 3]], np.uint8)
    sample = {'img': IMAGE, 'img_id': 4, 'img_shape': (2, 4), 'gt_seg_map': seg_map, 'segments': SEGMENTS}
    return sample | CLASSES


def test_inference_packs_image_and_metainfo_alone():
    packed = PackOneFormerInputs()({'img': IMAGE, 'ori_shape': (9, 8), 'scale_factor': (0.5, 0.25), 'img_path': None})
    np.testing.assert_array_equal(packed['inputs'], IMAGE.transpose(2, 0, 1))
    assert packed['inputs'].is_contiguous()
    assert packed['data_samples'].to_dict() == {'ori_shape': (9, 8), 'scale_factor': (0.5, 0.25), 'img_path': None}


def test_meta_keys_choose_the_metainfo():
    packed = PackOneFormerInputs(meta_keys=('img_id', 'city'))(
        {'img': IMAGE, 'img_id': 4, 'city': 'Aachen', 'flip': 1}
    )
    assert packed['data_samples'].metainfo == {'img_id': 4, 'city': 'Aachen'}


def test_floats_of_color_jitter_become_bytes():
    image = np.array([[[-3.0, 0.6, 254.4]], [[255.4, 300.0, 17.0]]], np.float32)
    inputs = PackOneFormerInputs()({'img': image})['inputs']
    assert inputs.dtype == torch.uint8
    assert inputs.permute(1, 2, 0).tolist() == [[[0, 1, 254]], [[255, 255, 17]]]


def test_training_packs_targets(annotated):
    targets = Targets('panoptic', ['a photo with a sky'], torch.tensor([7]), TargetMasks(torch.eye(2, 4).int(), 1))
    data_sample = PackOneFormerInputs()(annotated | {'targets': targets})['data_samples']
    assert data_sample.targets is targets
    assert data_sample.keys() == ['targets']
    assert data_sample.to('meta').targets.labels.device.type == 'meta'


def test_evaluation_packs_ground_truth(annotated):
    data_sample = PackOneFormerInputs()(annotated)['data_samples'].to_dict()
    assert data_sample['gt_panoptic_seg']['id_map'].tolist() == [annotated['gt_seg_map'].tolist()]
    assert data_sample['gt_panoptic_seg']['sem_seg'].tolist() == [[[1007, 1007, 9, 1000], [5, 5, 1000, 1000]]]
    assert data_sample['segments'] == SEGMENTS
    semantic = data_sample['gt_sem_seg']
    assert semantic['sem_seg'].tolist() == [[[7, 7, 255, 0], [5, 5, 0, 0]]]
    assert semantic['data'] is semantic['sem_seg']
    assert 'targets' not in data_sample


def test_label_map_takes_the_place_of_the_segments_classes(annotated):
    annotated['gt_label_map'] = np.array([[7, 255, 1, 0], [5, 5, 0, 0]], np.uint8)
    data_sample = PackOneFormerInputs()(annotated)['data_samples']
    assert (
        data_sample.gt_sem_seg.data.tolist()
        == data_sample.gt_sem_seg.sem_seg.tolist()
        == [[[7, 255, 1, 0], [5, 5, 0, 0]]]
    )
    assert data_sample.gt_panoptic_seg.id_map.tolist() == [annotated['gt_seg_map'].tolist()]


def test_16_bit_maps_become_tensors_that_can_be_indexed(annotated):
    annotated['gt_seg_map'] = annotated['gt_seg_map'].astype(np.uint16)
    seg_map = PackOneFormerInputs()(annotated)['data_samples'].gt_panoptic_seg.id_map
    assert seg_map.dtype == torch.int32
    assert seg_map[0, [0, 1], [3, 0]].tolist() == [3, 2]


@pytest.mark.parametrize('size', [(1, 1), (1, 4), (3, 1)])
def test_flipped_images_of_a_pixel_width_become_tensors(size):
    image = np.arange(size[0] * size[1] * 3, dtype=np.uint8).reshape(*size, 3)
    segments = [{'id': number, 'label': 0, 'iscrowd': 0} for number in range(1, image.max() + 1)]
    flipped = {'img': image[::-1, ::-1], 'gt_seg_map': image[::-1, ::-1, 0], 'segments': segments} | CLASSES
    packed = PackOneFormerInputs()(flipped)
    np.testing.assert_array_equal(packed['inputs'].permute(1, 2, 0).numpy(), image[::-1, ::-1])
    np.testing.assert_array_equal(packed['data_samples'].gt_panoptic_seg.id_map[0], image[::-1, ::-1, 0])


MEMBERS = np.array([[0, 0], [1, 0], [1, 1]], bool)


def test_evaluation_packs_instances():
    segments = [{'id': 1, 'label': 7, 'iscrowd': 1}, {'id': 2, 'label': 5, 'iscrowd': 0}]
    results = {'img': IMAGE, 'gt_seg_map': np.array([[0, 1, 2, 0]] * 2, np.uint8), 'gt_members': MEMBERS}
    data_sample = PackOneFormerInputs()(
        results | {'segments': segments, 'tasks': ('instance',), 'annotation': 'instance'}
    )['data_samples']
    assert data_sample.keys() == ['gt_instances']
    truth = data_sample.gt_instances
    assert truth.masks.int().tolist() == [[[0, 1, 1, 0]] * 2, [[0, 0, 1, 0]] * 2]
    assert (truth.labels.tolist(), truth.iscrowd.tolist()) == ([7, 5], [1, 0])
    assert data_sample.tasks == ('instance',)


def test_semantic_annotation_has_no_panoptic_ground_truth(annotated):
    data_sample = PackOneFormerInputs()(annotated | {'annotation': 'semantic'})['data_samples']
    assert data_sample.keys() == ['gt_sem_seg']
    assert 'segments' not in data_sample


def test_ground_truth_has_the_original_size(annotated):
    assert 'gt_sem_seg' in PackOneFormerInputs()(annotated | {'ori_shape': (2, 4)})['data_samples']
    with pytest.raises(ValueError, match=r'width \(2, 4\), but .* \(9, 8\).* comes after the transforms that resize'):
        PackOneFormerInputs()(annotated | {'ori_shape': (9, 8)})
