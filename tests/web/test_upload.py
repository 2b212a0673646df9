import numpy as np
import pytest
from PIL import Image

pytest.importorskip('gradio')

from gradio.data_classes import ImageData

from mmoneformer.web import upload
from mmoneformer.web.upload import BadUploadError, read_upload, upload_field


def test_the_file_is_not_opened(tmp_path):
    (tmp_path / 'bad.png').write_text('not an image')
    path = str(tmp_path / 'bad.png')
    field = upload_field(label='Image')
    assert field.label == 'Image'
    assert field.preprocess(ImageData(path=path, orig_name='bad.png')) == path
    assert field.preprocess(None) is None


def test_colors_are_rgb(image, tmp_path):
    Image.fromarray(image).save(tmp_path / 'a.png')
    np.testing.assert_array_equal(read_upload(tmp_path / 'a.png'), image)


def test_transparent_and_gray_images_become_rgb(tmp_path):
    Image.new('RGBA', (5, 3), (10, 20, 30, 40)).save(tmp_path / 'a.png')
    Image.new('L', (5, 3), 7).save(tmp_path / 'b.png')
    assert read_upload(tmp_path / 'a.png')[0, 0].tolist() == [10, 20, 30]
    assert read_upload(tmp_path / 'b.png')[0, 0].tolist() == [7, 7, 7]


def test_a_photograph_is_rotated_by_its_exif_orientation(image, tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # a quarter turn clockwise makes it upright
    Image.fromarray(image).save(tmp_path / 'a.png', exif=exif)
    np.testing.assert_array_equal(read_upload(tmp_path / 'a.png'), np.rot90(image, -1))


def test_a_file_that_is_no_image(tmp_path):
    (tmp_path / 'a.png').write_text('not an image')
    with pytest.raises(BadUploadError, match=r'not an image \(BMP, GIF'):
        read_upload(tmp_path / 'a.png')


def test_an_svg_is_refused(tmp_path):
    """It is a program: nothing here runs what was uploaded."""
    (tmp_path / 'a.svg').write_text('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>')
    with pytest.raises(BadUploadError, match='not an image'):
        read_upload(tmp_path / 'a.svg')


@pytest.mark.parametrize('suffix', ['png', 'jpg', 'webp', 'gif', 'tiff', 'bmp'])
def test_a_truncated_image(suffix, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    file = tmp_path / f'a.{suffix}'
    Image.fromarray(noise).save(file)
    file.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(BadUploadError, match='truncated or damaged|not an image'):
        read_upload(file)


def test_too_many_pixels(image, tmp_path, monkeypatch):
    Image.new('L', (1500, 1000)).save(tmp_path / 'a.png')
    monkeypatch.setattr(upload, 'MEGAPIXELS', 1)
    with pytest.raises(BadUploadError, match='1500 x 1000 pixels, more than 1 million'):
        read_upload(tmp_path / 'a.png')


def test_a_bomb_is_not_decoded(tmp_path, monkeypatch):
    Image.new('L', (1500, 1000)).save(tmp_path / 'a.png')
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 1000)  # as if it had a thousand times as many
    with pytest.raises(BadUploadError, match='more than 50 million pixels'):
        read_upload(tmp_path / 'a.png')
