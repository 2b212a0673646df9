"""Folders of the Hugging Face hub."""

from pathlib import Path

PREFIX = 'hf://'


def is_hub_name(source: object) -> bool:
    """Whether a source is a repository of the hub: ``hf://<owner>/<name>``."""
    return isinstance(source, str) and source.startswith(PREFIX)


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
    repository = name.removeprefix(PREFIX)
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
