import hashlib

import numpy as np

from mmoneformer.fingerprint.drawn_image import drawn_image

SHA256 = 'ff7eed8779ce7c146145f2c38690d42b6fabb24309876d6edf78d0e9cd0bd36f'


def test_the_same_everywhere():
    """Whatever the versions: records would not fit another image."""
    image = drawn_image()
    assert (image.shape, image.dtype) == ((160, 224, 3), np.uint8)
    assert hashlib.sha256(image.tobytes()).hexdigest() == SHA256


def test_flat_and_textured_parts_of_many_colors():
    image = drawn_image().astype(int)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 200
    steps = abs(np.diff(image, axis=1)).sum(-1)
    assert 0.5 < (steps == 0).mean() < 0.8
    assert np.ptp(image, axis=(0, 1)).min() > 150
