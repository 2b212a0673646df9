"""Downloads files, which can be resumed, and models of the Hugging Face hub."""

import http.client
import re
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from rich.progress import wrap_file

from mmoneformer_deploy.atomic_files import commit, partial_path

CONTENT_RANGE = re.compile(r'bytes (\d+)-\d+/(\d+)')
RANGE_NOT_SATISFIABLE = http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
HUB_PREFIX = 'hf://'


def download(url: str, target: Path) -> None:
    """Download a file. It gets its name when it is complete; an incomplete one is kept and resumed by the next call.

    Two processes must not download the same file at the same time.

    Args:
        url: Address of the file.
        target: Path of the file; its folder is created if it does not exist.

    Raises:
        ConnectionError: If the file cannot be downloaded, or is incomplete.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = partial_path(target)
    try:
        size = _complete(url, part, target.name)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise ConnectionError(
            f'{url} cannot be downloaded ({error}): try again, or save the file as {target}'
        ) from error
    arrived = part.stat().st_size
    if size and arrived != size:
        raise ConnectionError(f'{url}: received {arrived} of {size} bytes; try again to resume')
    commit(part, target)


def _complete(url: str, part: Path, description: str) -> int:
    """Download the rest of a file, or all of it if the server does not support ranges.

    Returns:
        Size of the complete file in bytes, 0 if unknown.
    """
    present = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={'Range': f'bytes={present}-'})
    try:
        response = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        if error.code != RANGE_NOT_SATISFIABLE or not present:
            raise
        part.unlink()  # it is longer than the file, so it is not the start of it
        return _complete(url, part, description)
    with response, open(part, 'ab') as file:
        start, size = _extent(response, present)
        file.truncate(start)
        with wrap_file(response, total=size - start, description=description) as source:
            shutil.copyfileobj(source, file)
    return size


def _extent(response: http.client.HTTPResponse, present: int) -> tuple[int, int]:
    """Index of the first byte in the response, and size of the complete file, 0 if unknown."""
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        return 0, int(response.headers.get('Content-Length', 0))
    sent = CONTENT_RANGE.fullmatch(response.headers.get('Content-Range', ''))
    if sent is None or int(sent[1]) != present:
        raise ConnectionError(
            f'requested the bytes from {present}, received {response.headers.get("Content-Range")!r}'
        )
    return present, int(sent[2])


def is_hub_name(source: object) -> bool:
    """Whether a source is a repository of the hub: ``hf://<owner>/<name>``."""
    return isinstance(source, str) and source.startswith(HUB_PREFIX)


def fetch_folder(name: str) -> Path:
    """Download the files of a model to huggingface_hub's cache, unless its latest revision is there.

    Args:
        name: ``hf://<owner>/<name>``, for example ``hf://shi-labs/oneformer_ade20k_swin_large``.

    Returns:
        The folder, named after the revision.

    Raises:
        ImportError: If huggingface_hub is not installed.
        ValueError: If the name is not that of a repository.
        ConnectionError: If the repository does not exist, or is neither cached nor can be downloaded.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ImportError(f'{name} needs huggingface_hub: pip install huggingface_hub') from error
    repository = name.removeprefix(HUB_PREFIX)
    try:
        folder = Path(snapshot_download(repository, allow_patterns=['*.json', 'model*.safetensors']))
        if not any(folder.glob('*.safetensors')):
            folder = Path(snapshot_download(repository, allow_patterns=['*.json', 'pytorch_model*.bin']))
    except ValueError:
        raise
    except Exception as error:  # its type depends on the versions of huggingface_hub and its HTTP client
        reason = str(error).strip().partition('\n')[0]
        raise ConnectionError(
            f'{name} cannot be downloaded from the Hugging Face hub: {type(error).__name__}: {reason}'
        ) from error
    return folder
