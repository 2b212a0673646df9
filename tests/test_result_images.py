import cv2
import numpy as np
from mmdet.structures import DetDataSample

from mmoneformer.result_images import image_id, write_png
from mmoneformer_deploy.result_files import is_result

PIXELS = np.arange(24, dtype=np.uint8).reshape(4, 6)


def test_writes_a_marked_png(tmp_path):
    write_png(tmp_path / 'new/a.png', PIXELS)
    assert is_result(tmp_path / 'new/a.png')
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'new/a.png'), cv2.IMREAD_UNCHANGED), PIXELS)


def test_images_without_an_id_have_the_name_of_their_file():
    sample = DetDataSample(metainfo=dict(img_path='a/b.jpg'))
    assert image_id(sample) == 'b'
    sample.set_metainfo(dict(img_id=7))
    assert image_id(sample) == '7'
