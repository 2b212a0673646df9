"""Checkpoints that are whole, whatever happens while they are written."""

import logging
import os
import zipfile
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend
from mmengine.logging import print_log

from mmoneformer.atomic_files import write_bytes


class AtomicFileBackend(LocalBackend):
    """Local files that have either all of their content or their old one, after a crash too."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file and wait until the disk has it.

        Args:
            obj: Content.
            filepath: Path of the file; its folder is created if it does not exist.
        """
        write_bytes(filepath, obj, sync=True)


register_backend(AtomicFileBackend.__name__, AtomicFileBackend, force=True)


def last_intact_checkpoint(work_dir: str | os.PathLike[str]) -> str | None:
    """Find the checkpoint to go on from: the last that was saved, or one before it where that one is damaged.

    Args:
        work_dir: Folder of the run. The ``last_checkpoint`` that mmengine writes into it names the last one, which may
            be in another folder or, unchecked, in remote storage.

    Returns:
        Its path; None if there is none at all.

    Raises:
        ValueError: If there are some and all are damaged.
    """
    pointer = Path(work_dir) / 'last_checkpoint'
    named = pointer.read_text().strip() if pointer.exists() else ''
    if '://' in named:
        return named
    last = Path(named)
    folder = last.parent if named and last.exists() else Path(work_dir)
    saved = [*folder.glob('iter_*.pth'), *folder.glob('epoch_*.pth')]
    newest_first = sorted(saved, key=lambda path: (path == last, path.stat().st_mtime), reverse=True)
    for path in newest_first:
        if is_intact(path):
            return str(path)
        print_log(f'{path} is damaged and left out', logger='current', level=logging.WARNING)
    if saved:
        raise ValueError(
            f'all checkpoints in {folder} are damaged: {[path.name for path in newest_first]}; '
            'remove them to start from the beginning'
        )
    return None


def is_intact(path: Path) -> bool:
    """Whether a file of ``torch.save`` is complete, by its checksums; a folder (DeepSpeed's) is believed."""
    if path.is_dir():
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except zipfile.BadZipFile:
        return False
