"""Builds from a config that came with a checkpoint, without letting it choose what is called."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.registry import registry as mmengine_registry


@contextmanager
def registered_parts_only() -> Iterator[None]:
    """Inside, a ``type`` in a config must be registered.

    Outside, mmengine takes an unknown type for an import path, imports it and calls it with the config's other values:
    ``type='subprocess.Popen'`` would run a program.

    Raises:
        ValueError: If a type that is not registered is built.
    """
    unregistered: list[str] = []
    original = mmengine_registry.get_object_from_string
    mmengine_registry.get_object_from_string = unregistered.append
    try:
        yield
    except Exception as error:
        if not unregistered:
            raise
        raise ValueError(
            f"the checkpoint's config wants to build {unregistered[-1]!r}, which is not registered. Import what "
            'registers it first; or, if it is an import path that you trust, save the config as a file and give that '
            'as config'
        ) from error
    finally:
        mmengine_registry.get_object_from_string = original
