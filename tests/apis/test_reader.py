import cv2
import numpy as np
import pytest

from mmoneformer.apis.reader import Reader

STEPS = [
    dict(type='mmoneformer.LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=(60, 40), keep_ratio=True),
    dict(type='mmoneformer.PackOneFormerInputs'),
]


@pytest.fixture
def files(tmp_path):
    random = np.random.default_rng(0)
    paths = [tmp_path / f'{number}.png' for number in range(5)]
    for path in paths:
        cv2.imwrite(str(path), random.integers(0, 256, (20, 30, 3), np.uint8))
    return paths


@pytest.mark.parametrize('threads', [0, 3])
def test_reads_and_prepares_in_order(files, threads):
    array = np.zeros((10, 20, 3), np.uint8)
    loaded = list(
        Reader(STEPS).read([(3, files[0]), (5, array), *enumerate(files[1:], start=6)], None, threads=threads)
    )
    assert [found.number for found, _ in loaded] == [3, 5, 6, 7, 8, 9]
    for (found, packed), path in zip(loaded, [files[0], array, *files[1:]], strict=True):
        assert found.source is path
        expected = path if path is array else cv2.imread(str(path))
        np.testing.assert_array_equal(found.image, expected)
        assert packed['inputs'].shape == ((3, 30, 60) if path is array else (3, 40, 60))


@pytest.mark.parametrize('threads', [0, 2])
def test_what_cannot_be_read(files, threads):
    files[1].write_bytes(b'no image')
    failures = []
    loaded = list(Reader(STEPS).read(enumerate(files), failures, threads=threads))
    assert [found.number for found, _ in loaded] == [0, 2, 3, 4]
    assert [failure.number for failure in failures] == [1]
    with pytest.raises(ValueError, match=r'1\.png is not a readable image'):
        list(Reader(STEPS).read(enumerate(files), None, threads=threads))
