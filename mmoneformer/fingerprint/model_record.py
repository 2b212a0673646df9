"""The record of a model: made, written, read, and compared with another one."""

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch

from mmoneformer.errors import first_few
from mmoneformer.export.description import hash_weights
from mmoneformer.fingerprint.logit_digest import Digest, count_different, digest_logits, is_close
from mmoneformer.models import OneFormer
from mmoneformer.version import __version__
from mmoneformer_deploy.atomic_files import write_bytes

AnyPath = str | os.PathLike[str]


@dataclass(frozen=True)
class ModelRecord:
    """What is known of a model.

    Attributes:
        weights_sha256: SHA-256 over all tensors, as from ``hash_weights``.
        architecture: Names and sizes of its parts.
        classes: Names of the classes.
        thing_ids: Indices of the countable ones.
        logits: The digest of each task.
        made_with: Versions of mmoneformer and torch, which are not compared.
        file_sha256: SHA-256 of the checkpoint; None if it is not known.
    """

    weights_sha256: str
    architecture: Mapping[str, str | int]
    classes: list[str]
    thing_ids: list[int]
    logits: Mapping[str, Digest]
    made_with: Mapping[str, str]
    file_sha256: str | None = None

    def to_json(self) -> str:
        """The record as a text of one line for each attribute."""
        lines = [f'  {json.dumps(name)}: {json.dumps(value)}' for name, value in asdict(self).items()]
        return '{\n' + ',\n'.join(lines) + '\n}\n'

    @classmethod
    def parse(cls, content: object, source: object) -> 'ModelRecord':
        """Check what a file contains.

        Args:
            content: Its JSON, parsed.
            source: The file, for the message.

        Raises:
            ValueError: If it is not a record.
        """
        fault = _fault(content)
        if fault:
            raise ValueError(f'{source} is not the record of a model: {fault}; write it again with --record')
        assert isinstance(content, dict)
        return cls(**content)


def record_model(model: OneFormer, file_sha256: str | None = None) -> ModelRecord:
    """Record a model that ``init_model`` built on the CPU.

    Args:
        model: The model.
        file_sha256: SHA-256 of its checkpoint.
    """
    return ModelRecord(
        weights_sha256=hash_weights(model.state_dict()),
        architecture=architecture_of(model),
        classes=list(model.dataset_meta['classes']),
        thing_ids=list(model.dataset_meta['thing_ids']),
        logits=digest_logits(model),
        made_with={'mmoneformer': __version__, 'torch': torch.__version__},
        file_sha256=file_sha256,
    )


def architecture_of(model: OneFormer) -> dict[str, str | int]:
    """Names and sizes of the parts of a model."""
    head = model.panoptic_head
    return {
        'backbone': type(model.backbone).__name__,
        'pixel decoder': type(head.pixel_decoder).__name__,
        'queries': head.num_queries,
        'width': head.query_embed.shape[1],
        'decoder layers': len(head.masked_decoder.layers),
        'parameters': sum(parameter.numel() for parameter in model.parameters()),
    }


def read_record(path: AnyPath) -> ModelRecord:
    """Read the record of a model.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a record.
    """
    try:
        content = json.loads(Path(path).read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path} is not the record of a model: {error}; write it again with --record') from error
    return ModelRecord.parse(content, path)


def write_record(path: AnyPath, record: ModelRecord) -> None:
    """Write the record of a model; a file that is there is replaced."""
    write_bytes(path, record.to_json().encode())


def find_differences(found: ModelRecord, recorded: ModelRecord) -> Iterator[str]:
    """Yield a sentence for each way in which a model is not the recorded one.

    Args:
        found: The model.
        recorded: Its record; what that does not have is not compared.
    """
    if recorded.file_sha256 and found.file_sha256 != recorded.file_sha256:
        yield f'the file has the SHA-256 {found.file_sha256}, and in the record {recorded.file_sha256}'
    if found.weights_sha256 != recorded.weights_sha256:
        yield f'the weights have the SHA-256 {found.weights_sha256}, and in the record {recorded.weights_sha256}'
    for part in {**recorded.architecture, **found.architecture}:
        one, other = (record.architecture.get(part, 'missing') for record in (found, recorded))
        if one != other:
            yield f'{part}: {one}, and in the record {other}'
    if found.classes != recorded.classes or found.thing_ids != recorded.thing_ids:
        yield f'the classes are {_listed(found)}, and in the record {_listed(recorded)}'
    for task, digest in recorded.logits.items():
        yield from _digest_differences(task, found.logits.get(task), digest)


def _digest_differences(task: str, found: Digest | None, recorded: Digest) -> Iterator[str]:
    if found is None:
        yield f'the record has logits of the task {task!r}, which the model lacks'
    elif len(found['class']) != len(recorded['class']):
        yield f'{task}: logits of {len(found["class"])} queries, and in the record {len(recorded["class"])}'
    elif not is_close(found, recorded):
        count = count_different(found, recorded)
        yield f'{task}: the logits of {count} of {len(found["class"])} queries are not those of the record'


def _listed(record: ModelRecord) -> str:
    things = set(record.thing_ids)
    marked = (f'{name}*' if label in things else name for label, name in enumerate(record.classes))
    return f'{first_few(marked)} ({len(record.classes)}; * things)'


def _fault(content: object) -> str | None:
    """Say what is wrong with the content of a record; None if nothing is."""
    if not isinstance(content, dict):
        return f'it contains a {type(content).__name__}'
    names = {field.name for field in fields(ModelRecord)}
    if content.keys() != names:
        return f'it has {first_few(sorted(content))}, and a record has {", ".join(sorted(names))}'
    checks: dict[str, bool] = {
        'weights_sha256': isinstance(content['weights_sha256'], str),
        'file_sha256': isinstance(content['file_sha256'], str | None),
        'architecture': _maps(content['architecture'], str | int),
        'made_with': _maps(content['made_with'], str),
        'classes': _lists(content['classes'], str),
        'thing_ids': _lists(content['thing_ids'], int),
        'logits': _maps(content['logits'], dict) and all(map(_is_digest, content['logits'].values())),
    }
    wrong = [name for name, holds in checks.items() if not holds]
    return f'{wrong[0]} is {content[wrong[0]]!r:.60}' if wrong else None


def _is_digest(value: dict[str, Any]) -> bool:
    if value.keys() != {'class', 'mask'} or not all(_lists(part, int | float) for part in value.values()):
        return False
    return len(value['class']) == len(value['mask']) and all(map(math.isfinite, (*value['class'], *value['mask'])))


def _maps(value: object, kind: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, kind) for entry in value.values())


def _lists(value: object, kind: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, kind) for entry in value)
