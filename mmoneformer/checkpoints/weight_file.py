"""Recognizes files that are no checkpoints before they are unpickled, so that errors say what they are."""

import difflib
import os
import zipfile
from pathlib import Path

from mmoneformer.checkpoints.model_zoo import released_urls

ZIP, PICKLE = b'PK\x03\x04', b'\x80'  # torch.save writes an archive; before torch 1.6 it wrote pickles
GIT_LFS = b'version https://git-lfs'
HTML = (b'<!doctype', b'<html', b'<?xml')
HEAD = 64  # bytes that are enough to tell


def check_weight_file(path: str | os.PathLike[str]) -> None:
    """Check that a file can be a checkpoint; only its ends are read.

    Raises:
        FileNotFoundError: If there is no such file; similar names are listed.
        IsADirectoryError: If it is a folder.
        ValueError: If it is empty, a text, a web page, a pointer of git-lfs, of safetensors, or truncated.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(
            f'{path} is a folder: name the .pth file in it; a folder of Hugging Face is converted with '
            'tools/convert_checkpoint.py'
        )
    if not path.is_file():
        raise FileNotFoundError(f'{path} is not a file, nor the name of a released model{_similar(path)}')
    fault = _fault(path)
    if fault:
        raise ValueError(f'{path} is not a checkpoint: {fault}')


def _similar(path: Path) -> str:
    beside = [file.name for file in path.parent.glob('*.pth')] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, beside) + difflib.get_close_matches(path.stem, released_urls())
    if near:
        return f'; similar names: {", ".join(map(repr, near))}'
    return ' (docs/model_zoo.md lists them)'


def _fault(path: Path) -> str | None:
    with open(path, 'rb') as file:
        head = file.read(HEAD)
    size = path.stat().st_size
    if not head:
        return 'it is empty; download or copy it again'
    if head.startswith(GIT_LFS):
        return 'it is a pointer of git-lfs; get the file itself with: git lfs pull'
    if head.lstrip().lower().startswith(HTML):
        return 'it is a web page; download the file itself'
    if head[8:9] == b'{' and int.from_bytes(head[:8], 'little') < size:
        return 'it is in the format of safetensors; convert the folder that it is in with tools/convert_checkpoint.py'
    if head.startswith(ZIP):
        return None if zipfile.is_zipfile(path) else 'it is truncated; download or copy it again'
    if head.startswith(PICKLE):
        return None
    if _is_text(head):
        return f'it is a text that begins with {head[:30].decode(errors="replace")!r}; download or copy the file again'
    return f'it begins with the bytes {head[:4].hex(" ")}, which torch.save does not write; download or copy it again'


def _is_text(head: bytes) -> bool:
    return all(byte >= 0x20 or byte in b'\t\n\r' for byte in head)
