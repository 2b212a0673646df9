"""Reads and writes folders of Hugging Face's OneFormerForUniversalSegmentation."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mmoneformer.checkpoints import hugging_face_config as jsons
from mmoneformer.checkpoints.hugging_face_keys import CLASS_WEIGHTS, from_hugging_face, to_hugging_face
from mmoneformer.checkpoints.infer_config import SourceInfo
from mmoneformer.checkpoints.model_weights import plain_weights
from mmoneformer.checkpoints.safe_load import read_checkpoint
from mmoneformer.checkpoints.state_dict import StateDict
from mmoneformer.metainfo import Metainfo
from mmoneformer.models.text.tokenizer import load_vocabulary
from mmoneformer_deploy.atomic_files import replacing

WEIGHTS = ('model.safetensors', 'pytorch_model.bin')


def read_folder(folder: Path) -> tuple[StateDict, SourceInfo]:
    """Read the weights, under our keys, and what the other files contain.

    Raises:
        FileNotFoundError: If there is no config.json or no file of weights.
        ValueError: If the folder contains another model, or a file is damaged or unsafe.
    """
    config = _read_json(folder / 'config.json')
    if config is None:
        raise FileNotFoundError(f'{folder} has no config.json: it is not a folder of Hugging Face')
    if config.get('model_type') != 'oneformer':
        raise ValueError(f'{folder} contains a model of type {config.get("model_type")!r}, not oneformer')
    processor = _read_json(folder / 'preprocessor_config.json')
    class_file = Path((processor or {}).get('class_info_file') or jsons.CLASS_FILE).name
    classes = _read_json(folder / class_file)
    try:
        info = jsons.read_json(config, processor, classes)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f'config.json, preprocessor_config.json or {class_file} of {folder} is not as transformers writes it '
            f'({type(error).__name__}: {error}): download or copy it again'
        ) from error
    weights: StateDict = {}
    for file in _weight_files(folder):
        weights |= _read_weights(file)
    return from_hugging_face(weights), info


def write_folder(
    folder: Path,
    state_dict: Mapping[str, Tensor],
    *,
    model: Mapping[str, Any],
    metainfo: Metainfo,
    scale: tuple[int, int],
    card: str,
) -> None:
    """Write a folder for ``from_pretrained`` of their model and their processor.

    Their model only loads the text mapper with ``from_pretrained(folder, is_training=True)``. Their processor reads
    the classes from an absolute path, which is stored: load it from a folder that was moved with
    ``from_pretrained(folder, repo_path=folder)``.

    Args:
        folder: A new one; it appears when all is written.
        state_dict: Weights under our keys.
        model: Config of the model, as in ``hugging_face_config.processor_json``.
        metainfo: Metainfo of the data set.
        scale: Longer and shorter side of test images in pixels, at most.
        card: Text of README.md.

    Raises:
        FileExistsError: If the folder exists.
        ValueError: If they have no model like this one.
    """
    folder = folder.absolute()
    if folder.exists():
        raise FileExistsError(f'{folder} exists: remove it or choose another name')
    with replacing(folder, unique=True) as part:
        part.mkdir()
        weights = {key: tensor.contiguous() for key, tensor in to_hugging_face(state_dict).items()}
        weights[CLASS_WEIGHTS] = jsons.class_weights(metainfo)
        _write_json(part / 'config.json', jsons.model_json(model, metainfo))
        _write_json(part / 'preprocessor_config.json', jsons.processor_json(model, scale, str(folder)))
        _write_json(part / jsons.CLASS_FILE, jsons.classes_json(metainfo))
        _write_tokenizer(part)
        (part / 'README.md').write_text(card, encoding='utf-8')
        save_file(weights, part / WEIGHTS[0], metadata={'format': 'pt'})
        (part / WEIGHTS[0]).chmod(0o644)  # safetensors lets nobody but the owner read it


def _write_tokenizer(folder: Path) -> None:
    ids, ranks = load_vocabulary()
    _write_json(folder / 'tokenizer_config.json', jsons.tokenizer_json())
    _write_json(folder / 'vocab.json', ids)
    merges = '\n'.join(' '.join(pair) for pair in ranks)
    (folder / 'merges.txt').write_text(f'#version: 0.2\n{merges}\n', encoding='utf-8')


def _weight_files(folder: Path) -> list[Path]:
    for name in WEIGHTS:
        index = _read_json(folder / f'{name}.index.json')
        if index is not None:
            parts = index.get('weight_map')
            if not parts or not isinstance(parts, dict):
                raise ValueError(f'{folder / name}.index.json has no weight_map: download or copy it again')
            return [folder / Path(part).name for part in sorted(set(parts.values()))]
        if (folder / name).is_file():
            return [folder / name]
    raise FileNotFoundError(
        f'{folder} has no weights: neither {WEIGHTS[0]} nor {WEIGHTS[1]}, nor an index of several files'
    )


def _read_weights(file: Path) -> StateDict:
    if file.suffix != '.safetensors':
        return plain_weights(read_checkpoint(file), file)
    if not file.is_file():
        raise FileNotFoundError(f'{file}, which the index names, does not exist: download the folder again')
    try:
        return load_file(file)
    except SafetensorError as error:
        raise ValueError(f'{file} is damaged (an incomplete download?): {error}') from error


def _read_json(file: Path) -> Any:
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text(encoding='utf-8-sig'))
    except ValueError as error:
        raise ValueError(f'{file} is not valid JSON ({error}): download or copy it again') from error
    if not isinstance(content, dict):
        raise ValueError(f'{file} must have an object, got {content!r:.50}: download or copy it again')
    return content


def _write_json(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + '\n', encoding='utf-8')
