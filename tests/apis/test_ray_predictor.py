"""RayPredictor by itself; and, slow, in a local Ray whose actors die."""

import contextlib
import io
import json
import os
import signal

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.apis.ray_predictor import RayPredictor

RNG = np.random.default_rng(0)
IMAGES = [RNG.integers(0, 256, (40 + 8 * number, 64, 3), dtype=np.uint8) for number in range(3)]


def column(values):
    found = np.empty(len(values), object)
    found[:] = values
    return found


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, 'PNG')
    return file.getvalue()


@pytest.fixture
def predictor(checkpoint_file):
    return RayPredictor(checkpoint_file, tasks=['panoptic', 'semantic'], device='cpu')


def test_columns(predictor, checkpoint_file):
    found = predictor({'image': column(IMAGES), 'name': column(['a', 'b', 'c'])})
    assert found.keys() == {'image', 'name', 'panoptic', 'semantic', 'error'}
    assert found['error'].tolist() == [None] * 3
    expected = OneFormerInferencer(weights=checkpoint_file, device='cpu', show_progress=False)(
        [image[..., ::-1] for image in IMAGES]
    )['predictions']
    for number, image in enumerate(IMAGES):
        segments = json.loads(found['panoptic'][number])
        assert len(segments) == len(expected[number]['panoptic']['segments']) > 0
        for segment, other in zip(segments, expected[number]['panoptic']['segments'], strict=True):
            mask = coco_mask.decode(segment.pop('segmentation'))
            np.testing.assert_array_equal(mask, expected[number]['panoptic']['id_map'] == other['id'])
            left, top, right, bottom = other['bbox']
            assert segment == {
                'class_name': other['class_name'],
                'category_id': other['label'],
                'bbox': [left, top, right - left, bottom - top],
                'score': other['score'],
            }
        areas = [coco_mask.area(segment['segmentation']) for segment in json.loads(found['semantic'][number])]
        assert sum(areas) == image.shape[0] * image.shape[1]


def test_arrays_files_and_paths_are_equal(checkpoint_file, tmp_path):
    for number, image in enumerate(IMAGES):
        (tmp_path / f'{number}.png').write_bytes(png(image))
    columns = {
        'image': column(IMAGES),
        'bytes': column([png(image) for image in IMAGES]),
        'path': column([str(tmp_path / f'{number}.png') for number in range(3)]),
    }
    texts = []
    for name in columns:
        predictor = RayPredictor(checkpoint_file, tasks=['instance'], column=name, device='cpu')
        texts.append(predictor(dict(columns))['instance'].tolist())
    assert texts[0] == texts[1] == texts[2]


def test_images_of_one_size_are_an_array(predictor):
    found = predictor({'image': np.stack([IMAGES[0]] * 2)})
    assert found['panoptic'][0] == found['panoptic'][1] is not None


def test_unreadable_images(checkpoint_file):
    predictor = RayPredictor(checkpoint_file, tasks=['semantic'], column='bytes', device='cpu')
    found = predictor({'bytes': column([png(IMAGES[0]), png(IMAGES[1])[:200], b'no image', png(IMAGES[2])])})
    assert [text is None for text in found['semantic']] == [False, True, True, False]
    assert [error is None for error in found['error']] == [True, False, False, True]
    assert found['error'][1].startswith('a PIL image cannot be read: ')
    assert found['error'][2].startswith('the content is not an image')


def test_a_missing_column(predictor):
    with pytest.raises(ValueError, match=r"no column 'image', but \['bytes'\]: set column to that of images"):
        predictor({'bytes': column([b''])})


@pytest.mark.slow
def test_an_actor_dies_half_way(checkpoint_file, tmp_path):
    """Of two actors, one is killed in the midst of the images: each image has one row, and the right one."""
    ray = pytest.importorskip('ray')
    for number in range(24):
        Image.fromarray(np.roll(IMAGES[number % 3], number, 1)).save(tmp_path / f'{number:02d}.png')

    class Dying(RayPredictor):
        """The first one that sees the image number 12 kills its own process; pickled by value, being local."""

        def __call__(self, batch):
            found = super().__call__(batch)
            if any(path.endswith('12.png') for path in batch['path']):
                with contextlib.suppress(FileExistsError):
                    (tmp_path / 'killed').touch(exist_ok=False)
                    os.kill(os.getpid(), signal.SIGKILL)
            return found | {'process': np.full(len(batch['path']), os.getpid())}

    settings = dict(weights=str(checkpoint_file), tasks=['panoptic', 'semantic'], column='bytes', device='cpu')
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, object_store_memory=100 * 2**20)
    try:
        images = ray.data.read_binary_files(str(tmp_path), include_paths=True, file_extensions=['png'])
        found = images.repartition(12).map_batches(
            Dying, fn_constructor_kwargs=settings, batch_size=2, concurrency=2, num_cpus=1
        )
        found.drop_columns(['bytes']).write_parquet(str(tmp_path / 'results'))
        rows = ray.data.read_parquet(str(tmp_path / 'results')).sort('path').take_all()
    finally:
        ray.shutdown()
    assert (tmp_path / 'killed').exists()
    assert [row['path'].rpartition('/')[2] for row in rows] == [f'{number:02d}.png' for number in range(24)]
    assert len({row['process'] for row in rows}) >= 2
    expected = RayPredictor(**settings)(
        {'bytes': column([(tmp_path / f'{n:02d}.png').read_bytes() for n in range(24)])}
    )
    for task in ('panoptic', 'semantic', 'error'):
        assert [row[task] for row in rows] == expected[task].tolist()
