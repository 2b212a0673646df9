import pytest

pytest.importorskip('gradio')

from gradio.data_classes import ImageData

from mmoneformer.web.image_drop import image_drop


def test_the_file_is_not_opened(tmp_path):
    (tmp_path / 'bad.png').write_text('not a picture')
    path = str(tmp_path / 'bad.png')
    field = image_drop(label='Image')
    assert field.label == 'Image'
    assert field.preprocess(ImageData(path=path, orig_name='bad.png')) == path
    assert field.preprocess(None) is None
