"""A session gives what the transforms, the post-processing and the writers of mmoneformer make of the same network."""

import json
from concurrent.futures import BrokenExecutor
from unittest.mock import Mock

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from mmcv.transforms import Compose
from mmdet.models import DetDataPreprocessor
from PIL import Image
from pycocotools import mask as coco_mask

from mmoneformer.datasets.transforms import LoadImageFromFile, PackOneFormerInputs  # noqa: F401
from mmoneformer.models.masks.tiles import MaskGeometry
from mmoneformer.models.task_results import POST_PROCESS, ImageLogits, InferenceConfig
from mmoneformer.registry import TRANSFORMS
from mmoneformer.results.as_dict import as_dict
from mmoneformer.results.folder import open_folder
from mmoneformer.tasks import TASKS
from mmoneformer_deploy import Session
from mmoneformer_deploy.__main__ import main
from mmoneformer_deploy.session import prepare_image
from mmoneformer_deploy.task_results import classes_of

PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=(160, 128), keep_ratio=True),
    dict(type='PackOneFormerInputs'),
]


@pytest.fixture(scope='module')
def session(onnx_file):
    return Session(onnx_file)


@pytest.fixture(scope='module')
def photo(tmp_path_factory):
    small = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp('photos') / 'photo.jpg'
    cv2.imwrite(str(path), cv2.resize(small, (301, 203), interpolation=cv2.INTER_CUBIC))
    return path


@pytest.fixture(scope='module')
def expected(onnx_file, photo, description):
    """The results of the photo as a data sample."""
    packed = Compose([TRANSFORMS.build(step) for step in PIPELINE])({'img_path': str(photo)})
    preprocessor = DetDataPreprocessor(mean=description.pad_value, std=[1.0] * 3, bgr_to_rgb=True, pad_size_divisor=32)
    batch = preprocessor({'inputs': [packed['inputs']], 'data_samples': [packed['data_samples']]})
    images = batch['inputs'] + preprocessor.mean
    runtime = onnxruntime.InferenceSession(str(onnx_file))
    outputs = runtime.run(None, {'images': images.numpy(), 'tasks': np.arange(3)})
    classes, masks = (torch.from_numpy(output[0]) for output in outputs)
    (sample,) = batch['data_samples']
    geometry, is_thing = MaskGeometry.of(sample, images), torch.tensor([False, True, False, True])
    settings = InferenceConfig(object_mask_thr=0.3, overlap_thr=0.2, max_per_image=20)
    for task, class_logits, mask_logits in zip(TASKS, classes, masks, strict=True):
        POST_PROCESS[task](sample, ImageLogits(class_logits, mask_logits, geometry), is_thing, settings)
    return sample


def test_equal_to_mmoneformer(session, photo, expected, description):
    found, wanted = session(photo), as_dict(expected, classes_of(description), list(TASKS))
    assert list(found) == list(TASKS)
    assert (found['semantic']['label_map'] == wanted['semantic']['label_map']).mean() >= 0.9999
    assert found['semantic']['label_map'].dtype == np.uint8

    assert (found['panoptic']['id_map'] == wanted['panoptic']['id_map']).mean() >= 0.9999
    assert len(found['panoptic']['segments']) == len(wanted['panoptic']['segments']) > 3
    for one, other in zip(found['panoptic']['segments'], wanted['panoptic']['segments'], strict=True):
        assert one | {'score': 0, 'area': 0} == other | {'score': 0, 'area': 0}
        assert one['score'] == pytest.approx(other['score'], abs=1e-5)
        assert one['area'] == pytest.approx(other['area'], abs=6)

    one, other = found['instance'], wanted['instance']
    assert one['labels'] == other['labels']
    assert one['class_names'] == other['class_names']
    np.testing.assert_allclose(one['scores'], other['scores'], atol=1e-5)
    np.testing.assert_allclose(one['bboxes'], other['bboxes'], atol=1)
    masks = [[coco_mask.decode(mask) for mask in part['masks']] for part in (one, other)]
    assert np.mean(np.equal(*masks)) >= 0.9999


def test_files_and_arrays(session, photo):
    """The colors of an array are those of OpenCV: blue first."""
    from_file, from_array = session(photo, ['semantic']), session(cv2.imread(str(photo)), ['semantic'])
    np.testing.assert_array_equal(from_file['semantic']['label_map'], from_array['semantic']['label_map'])
    assert list(from_file) == ['semantic']


def test_rgb_arrays_and_images_of_pillow(session, tmp_path):
    rgb = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    expected = session(rgb[..., ::-1], ['semantic'])['semantic']['label_map']
    assert (expected != session(rgb, ['semantic'])['semantic']['label_map']).any()
    for found in (session(rgb, ['semantic'], channels='rgb'), session(Image.fromarray(rgb), ['semantic'])):
        np.testing.assert_array_equal(found['semantic']['label_map'], expected)
    sources = [rgb, Image.fromarray(rgb)]
    assert session.save(sources, tmp_path, tasks=['semantic'], channels='rgb') == (2, [])
    for number in range(2):
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / f'{number:06d}_semantic.png')), expected)
    for call in (session, lambda *arguments, **options: session.save(*arguments, tmp_path, **options)):
        with pytest.raises(ValueError, match="channels must be 'bgr' or 'rgb', the order in arrays, got 'RGB'"):
            call(rgb, channels='RGB')


def test_the_input_of_the_network(description):
    image = np.random.default_rng(0).integers(0, 256, (203, 301, 3), dtype=np.uint8)
    inputs, geometry = prepare_image(image, description)
    assert geometry == ((128, 160), (108, 160), (203, 301))
    assert inputs.shape == (1, 3, 128, 160)
    resized = cv2.resize(image, (160, 108), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(inputs[0, :, :108].transpose(1, 2, 0), resized)
    np.testing.assert_allclose(
        inputs[0, :, 108:], np.broadcast_to(np.c_[description.pad_value][..., None], (3, 20, 160))
    )


def test_writes_the_files_of_mmoneformer(session, photo, expected, description, tmp_path):
    assert session.save(photo, tmp_path / 'ours') == (1, [])
    with open_folder(tmp_path / 'theirs', classes_of(description), draw=lambda image, _: image) as folder:
        results = as_dict(expected, classes_of(description), list(TASKS))
        folder.write('photo', results, np.zeros((2, 3, 3), np.uint8), (203, 301))
    names = sorted(path.name for path in (tmp_path / 'theirs').iterdir())
    assert sorted(path.name for path in (tmp_path / 'ours').iterdir()) == names
    for name in ('photo_panoptic.png', 'photo_semantic.png'):
        one, other = (np.asarray(Image.open(tmp_path / side / name)) for side in ('ours', 'theirs'))
        assert (one == other).mean() >= 0.9999
    for name in ('photo.json', 'panoptic.json', 'instances.json'):
        one, other = (json.loads((tmp_path / side / name).read_text()) for side in ('ours', 'theirs'))
        assert one.keys() == other.keys()
        assert one['categories'] == other['categories']
    assert one['images'] == other['images']
    assert [row['category_id'] for row in one['annotations']] == [row['category_id'] for row in other['annotations']]


def test_command(onnx_file, photo, tmp_path, capsys):
    (tmp_path / 'broken.jpg').write_text('no image')
    arguments = [str(onnx_file), str(photo), str(tmp_path / 'broken.jpg'), '--out-dir', str(tmp_path / 'out')]
    assert main([*arguments, '--tasks', 'semantic', '--on-error', 'skip']) == 0
    assert capsys.readouterr().out == f'1 images, 1 skipped: {tmp_path / "out"}\n'
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == [
        'photo.json',
        'photo.png',
        'photo_semantic.png',
    ]
    with pytest.raises(SystemExit, match=r'error: .*broken\.jpg is not a readable image'):
        main(arguments)


@pytest.mark.parametrize(
    ('error', 'status'),
    [(KeyboardInterrupt(), 130), (BrokenExecutor('a process was killed'), 'error: a process was killed')],
)
def test_the_command_ends_without_a_traceback(onnx_file, photo, tmp_path, monkeypatch, error, status):
    monkeypatch.setattr(Session, 'save', Mock(side_effect=error))
    with pytest.raises(SystemExit) as stopped:
        main([str(onnx_file), str(photo), '--out-dir', str(tmp_path / 'out')])
    assert stopped.value.code == status


def test_a_url(session):
    with pytest.raises(ValueError, match=r'https://example\.org/x\.jpg is a URL, which is not read here'):
        session('https://example.org/x.jpg')


def test_an_array_that_is_no_image(session):
    with pytest.raises(ValueError, match=r'an image array must be BGR, uint8 \[H, W, 3\], got float64 \[2, 3\]'):
        session(np.zeros((2, 3)))


def test_another_network(onnx_file, photo):
    """Such as a client of a server: it is given what the file's own is given."""
    session, asked = Session(onnx_file), []
    own = session.network

    def network(images, tasks):
        asked.append((images.shape, tasks.tolist()))
        return own(images, tasks)

    session.network = network
    assert list(session(photo, ['semantic', 'panoptic'])) == ['semantic', 'panoptic']
    assert asked == [((1, 3, 128, 160), [2, 0])]
