import pytest
import torch

from mmoneformer.checkpoints.weight_file import check_weight_file

LFS = b'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n'


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'it is empty'),
        (LFS, 'it is a pointer of git-lfs; .* git lfs pull'),
        (b'\n<!DOCTYPE html><html><body>404</body></html>', 'it is a web page'),
        (b'nothing', "it is a text that begins with 'nothing'"),
        (b'\x08\0\0\0\0\0\0\0{"a":{} }', 'it is in the format of safetensors; convert the folder'),
        (b'\x89PNG\r\n\x1a\n\0\0', 'it begins with the bytes 89 50 4e 47, which torch.save does not write'),
        (b'PK\x03\x04' + b'\0' * 99, 'it is truncated'),
    ],
)
def test_says_what_a_file_is(tmp_path, content, message):
    (tmp_path / 'x.pth').write_bytes(content)
    with pytest.raises(ValueError, match=rf'x\.pth is not a checkpoint: {message}'):
        check_weight_file(tmp_path / 'x.pth')


@pytest.mark.parametrize('zipped', [True, False])
def test_checkpoints(tmp_path, zipped):
    path = tmp_path / 'x.pth'
    torch.save({'weight': torch.zeros(99)}, path, _use_new_zipfile_serialization=zipped)
    check_weight_file(path)
    if zipped:
        path.write_bytes(path.read_bytes()[:500])
        with pytest.raises(ValueError, match='it is truncated'):
            check_weight_file(path)


def test_folder(tmp_path):
    with pytest.raises(IsADirectoryError, match=r'is a folder: name the \.pth file in it'):
        check_weight_file(tmp_path)


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('iter_1000.pth', r"iter_1000\.pth is not a file, .*; similar names: 'iter_10000\.pth'"),
        ('oneformer_swin-l_cocoo', "similar names: .*'oneformer_swin-l_coco'"),
        ('qqq', r'\(docs/model_zoo\.md lists them\)'),
    ],
)
def test_similar_names(tmp_path, name, message):
    (tmp_path / 'iter_10000.pth').touch()
    with pytest.raises(FileNotFoundError, match=message):
        check_weight_file(tmp_path / name)
