"""SHA-256 of downloaded files: compared with a known one, or with that of the first download."""

import hashlib
from pathlib import Path

from mmoneformer_deploy.atomic_files import write_bytes

BLOCK = 2**20  # bytes


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def check_download(path: Path, url: str, known: str | None = None) -> None:
    """Check that a downloaded file is the one that it is expected to be.

    Without a known SHA-256, that of the first download is recorded beside the file, in ``NAME.sha256``, which
    ``sha256sum --check`` reads, and is what later downloads are compared with.

    Args:
        path: The file.
        url: Where it was downloaded from, for the message.
        known: The SHA-256 that it must have, hexadecimal.

    Raises:
        ValueError: If it has another one.
    """
    found = sha256_of(path)
    record = path.with_name(f'{path.name}.sha256')
    if known is None and not record.exists():
        write_bytes(record, f'{found}  {path.name}\n'.encode())
        return
    expected = known or record.read_text().split()[0]
    if found != expected:
        accept = '' if known else f', and {record.name}, too, if the new file is to be accepted'
        raise ValueError(
            f'{path}, downloaded from {url}, has the SHA-256 {found} instead of {expected}: it is damaged, or was '
            f'replaced; delete it to download it again{accept}'
        )
