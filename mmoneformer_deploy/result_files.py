"""Result files: marked when they are written, and named so that they replace nothing but earlier results.

Files of the user, and results of other images of the same run, keep their names and their content.
"""

import hashlib
import logging
import os
import re
import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from mmap import ACCESS_READ, mmap
from pathlib import Path, PurePosixPath

from PIL.TiffImagePlugin import ImageFileDirectory_v2

MARK = 'written by mmoneformer'
JSON_MARK = {'info': {'description': MARK}}  # must be the first entry of a file
MARK_RANGE = 256  # bytes at the beginning of a file that contain the mark
SEARCHED = ('.geojson', '.gpkg')  # files of formats whose libraries place the mark anywhere
TIFF_SOFTWARE = 305  # the tag that has the mark
IHDR_END = 33  # of a PNG: its signature, and the first chunk
# in names of files, on one system or another; the last stand for bytes that are not UTF-8
UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\ud800-\udfff]')
SHOWN = 3  # messages about files that are kept
LONGEST = 180  # bytes of a name, of the 255 that a file may have with its endings
LOGGER = logging.getLogger(__name__)


def marked_png(content: bytes, image: str = '') -> bytes:
    """Add the mark to an encoded PNG, as a text chunk; it tells results of one image from those of others."""
    chunk = b'tEXtComment\0' + _mark_of(image)
    packed = struct.pack('>I', len(chunk) - 4) + chunk + struct.pack('>I', zlib.crc32(chunk))
    return content[:IHDR_END] + packed + content[IHDR_END:]


def _mark_of(image: str) -> bytes:
    digest = hashlib.sha1(image.encode(errors='replace')).hexdigest()[:16]
    return f'{MARK} of {digest}'.encode() if image else MARK.encode()


def is_result(path: Path) -> bool:
    """Whether a file has the mark."""
    if not path.is_file():
        return False
    if path.suffix == '.tif':
        return _software_of(path) == MARK
    has_mark = _contains if path.suffix in SEARCHED else _begins_with
    return has_mark(path, MARK.encode())


def _software_of(path: Path) -> str | None:
    """What a TIFF file says of the program that wrote it; its pixels, which may be gigabytes, are not read."""
    try:
        with path.open('rb') as file:
            header = file.read(8)
            if header[2:4] in (b'+\0', b'\0+'):  # BigTIFF
                header += file.read(8)
            directory = ImageFileDirectory_v2(header)
            file.seek(directory.next)
            directory.load(file)
            return directory.get(TIFF_SOFTWARE)
    except Exception:  # of any type: what a damaged file raises depends on the damage
        return None


def _contains(path: Path, mark: bytes) -> bool:
    with path.open('rb') as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        return content.find(mark) >= 0


def _begins_with(path: Path, mark: bytes) -> bool:
    with path.open('rb') as file:
        return mark in file.read(MARK_RANGE)


def safe_name(text: str) -> str:
    """Turn any text, such as an image id, into a file name without its ending.

    Characters that some file system does not allow, bytes that are not UTF-8, and a dot in front become ``_``; long
    texts are shortened.
    """
    name = UNSAFE.sub('_', text) or '_'
    name = f'_{name[1:]}' if name.startswith('.') else name
    if len(name.encode()) <= LONGEST:
        return name
    digest = hashlib.sha1(text.encode(errors='replace')).hexdigest()[:8]
    return name.encode()[: LONGEST - 9].decode(errors='ignore') + f'_{digest}'


class FreeNames:
    """Gives the images of a run names for their files.

    A name is free if no other image of the run has it, and if its files are not there, or are results of an earlier
    run. If the wanted name is not free, a number is appended. Files that were written since the run started are those
    of other processes; they are replaced only by results of the same image, which two processes may have.

    Args:
        folder: Folder of the files; None if only the names of the run count.
        taken: Names of files that no image may have.
    """

    def __init__(self, folder: Path | None = None, taken: Iterable[str] = ()) -> None:
        self._folder = folder
        self._taken = {name.lower() for name in taken}  # some file systems ignore the case
        self._last = Counter[str]()
        self._names: dict[str, str] = {}  # by image
        self._start = time.time()
        self._kept = 0

    def claim(
        self,
        wanted: str,
        files: Callable[[str], Iterable[str]] = lambda name: (name,),
        image: str = '',
        subfolder: PurePosixPath | None = None,
    ) -> str:
        """Give an image a name.

        Args:
            wanted: Any text, see ``safe_name``.
            files: The names of the files that an image of some name may have.
            image: What tells the image from all others, such as its path; one that comes again has the name it had.
            subfolder: Folder of the files, inside the folder of the run; the name begins with it.
        """
        if image in self._names:
            return self._names[image]
        wanted = '/'.join(map(safe_name, (*(subfolder or PurePosixPath()).parts, wanted)))
        key = wanted.lower()
        number = 0 if image else self._last[key]  # another process may have named this image
        while True:
            number += 1
            self._last[key] = number
            name = wanted if number == 1 else f'{wanted}_{number}'
            if self._is_free(names := tuple(files(name)), image):
                self._taken.update(map(str.lower, names))
                if image:
                    self._names[image] = name
                return name

    def _is_free(self, names: tuple[str, ...], image: str) -> bool:
        return self._taken.isdisjoint(map(str.lower, names)) and not any(self._keeps(name, image) for name in names)

    def _keeps(self, name: str, image: str) -> bool:
        """Whether the folder has a file of this name that must not be replaced."""
        if self._folder is None:
            return False
        path = self._folder / name
        if not os.path.lexists(path):
            return False
        if is_result(path):
            return path.stat().st_mtime > self._start and not (image and _begins_with(path, _mark_of(image)))
        self._kept += 1
        if self._kept <= SHOWN:
            LOGGER.warning('%s was not %s and is kept: the result gets a number in its name', path, MARK)
        return True
