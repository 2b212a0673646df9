"""Checkpoints that are complete, even if a run is killed while it writes one."""

import logging
import os
import zipfile
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend
from mmengine.logging import print_log

from mmoneformer_deploy.atomic_files import write_bytes


class AtomicFileBackend(LocalBackend):
    """Storage backend of mmengine for local files that are written atomically, and survive a crash of the machine."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file and wait until the disk has it.

        Args:
            obj: Content.
            filepath: Path of the file; its folder is created if it does not exist.
        """
        write_bytes(filepath, obj, sync=True)


register_backend(AtomicFileBackend.__name__, AtomicFileBackend, force=True)


def last_intact_checkpoint(work_dir: str | os.PathLike[str]) -> str | None:
    """Find the checkpoint to resume from: the last one that is not damaged.

    Args:
        work_dir: Folder of the run. mmengine's file ``last_checkpoint`` in it names the last checkpoint, which may be
            in another folder, or in remote storage, where it is not checked.

    Returns:
        Its path; None if there are no checkpoints.

    Raises:
        ValueError: If all checkpoints are damaged.
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
        print_log(f'{path} is damaged and ignored', logger='current', level=logging.WARNING)
    if saved:
        raise ValueError(
            f'all checkpoints in {folder} are damaged: {[path.name for path in newest_first]}; '
            'remove them to start anew'
        )
    return None


def is_intact(path: Path) -> bool:
    """Whether the checksums of a file written by ``torch.save`` are right; a folder (DeepSpeed's) is not checked."""
    if path.is_dir():
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except zipfile.BadZipFile:
        return False
