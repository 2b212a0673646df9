"""Downloads a file, from where the last attempt broke off."""

import http.client
import re
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from rich.progress import wrap_file

from mmoneformer.atomic_files import commit, partial_path

CONTENT_RANGE = re.compile(r'bytes (\d+)-\d+/(\d+)')
BEYOND_THE_END = 416  # HTTP's answer to a range that begins there


def download(url: str, target: Path) -> None:
    """Download a file; it appears when it is complete. What arrives before a break is kept for the next call.

    Two processes must not download the same target at once.

    Raises:
        ConnectionError: If it cannot be had, or arrived incomplete.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = partial_path(target)
    try:
        size = _complete(url, part, target.name)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise ConnectionError(
            f'{url} cannot be downloaded ({error}): try again, or put the file at {target}'
        ) from error
    arrived = part.stat().st_size
    if size and arrived != size:
        raise ConnectionError(f'{url}: {arrived} of {size} bytes arrived; try again, it goes on from there')
    commit(part, target)


def _complete(url: str, part: Path, description: str) -> int:
    """Append what a file lacks, or write it anew where the server sends all of it.

    Returns:
        Full size of the file in bytes, 0 if the server does not say it.
    """
    present = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={'Range': f'bytes={present}-'})
    try:
        response = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        if error.code != BEYOND_THE_END or not present:
            raise
        part.unlink()  # it is none of this file
        return _complete(url, part, description)
    with response, open(part, 'ab') as file:
        start, size = _extent(response, present)
        file.truncate(start)
        with wrap_file(response, total=size - start, description=description) as source:
            shutil.copyfileobj(source, file)
    return size


def _extent(response: http.client.HTTPResponse, present: int) -> tuple[int, int]:
    """First byte that a response sends, and full size of the file, 0 if unknown."""
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        return 0, int(response.headers.get('Content-Length', 0))
    sent = CONTENT_RANGE.fullmatch(response.headers.get('Content-Range', ''))
    if sent is None or int(sent[1]) != present:
        raise ConnectionError(f'asked for the bytes from {present}, got {response.headers.get("Content-Range")!r}')
    return present, int(sent[2])
