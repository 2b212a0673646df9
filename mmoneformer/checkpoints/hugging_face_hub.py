"""Folders of the Hugging Face hub."""

from pathlib import Path

PREFIX = 'hf://'


def is_hub_name(source: object) -> bool:
    """Whether a source is a repository of the hub: ``hf://<owner>/<name>``."""
    return isinstance(source, str) and source.startswith(PREFIX)


def fetch_folder(name: str) -> Path:
    """Find the files of a model in huggingface_hub's cache; where they are not, or are outdated, download them.

    Args:
        name: ``hf://<owner>/<name>``, for example ``hf://shi-labs/oneformer_ade20k_swin_large``.

    Returns:
        The folder, its name is that of the revision.

    Raises:
        ImportError: If huggingface_hub is not installed.
        ValueError: If the name is none of a repository.
        ConnectionError: If there is no such repository, or it is neither in the cache nor can be downloaded.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ImportError(f'{name} needs huggingface_hub: pip install huggingface_hub') from error
    repository = name.removeprefix(PREFIX)
    try:
        folder = Path(snapshot_download(repository, allow_patterns=['*.json', 'model*.safetensors']))
        if not any(folder.glob('*.safetensors')):
            folder = Path(snapshot_download(repository, allow_patterns=['*.json', 'pytorch_model*.bin']))
    except ValueError:
        raise
    except Exception as error:  # of what kind depends on the version, and on what it speaks HTTP with
        reason = str(error).strip().partition('\n')[0]
        raise ConnectionError(
            f'{name} cannot be had from the Hugging Face hub: {type(error).__name__}: {reason}'
        ) from error
    return folder
