import hashlib
import shutil
import subprocess

import pytest

from mmoneformer.checkpoints.checksums import check_download, sha256_of

URL = 'https://example.org/model.pth'
CONTENT = bytes(range(256)) * 5000  # more than a block
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'model.pth'
    path.write_bytes(CONTENT)
    return path


def test_sha256(file):
    assert sha256_of(file) == SHA256


def test_the_first_download_is_recorded(file):
    check_download(file, URL)
    check_download(file, URL)
    assert file.with_name('model.pth.sha256').read_text() == f'{SHA256}  model.pth\n'
    if shutil.which('sha256sum'):
        subprocess.run(['sha256sum', '--check', '--status', 'model.pth.sha256'], cwd=file.parent, check=True)


def test_a_changed_file_is_an_error(file):
    check_download(file, URL)
    file.write_bytes(CONTENT + b'!')
    with pytest.raises(
        ValueError, match=f'model.pth, downloaded from {URL}, has .* instead of {SHA256}: .*too, if the'
    ):
        check_download(file, URL)
    file.with_name('model.pth.sha256').unlink()
    check_download(file, URL)


def test_a_known_sha256_is_not_recorded(file):
    check_download(file, URL, known=SHA256)
    with pytest.raises(ValueError, match=f'instead of {"0" * 64}: it is damaged, .* to download it again$'):
        check_download(file, URL, known='0' * 64)
    assert [path.name for path in file.parent.iterdir()] == ['model.pth']
