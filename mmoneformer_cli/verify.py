"""Verify a checkpoint: print what tells it from others, and compare with its record, if there is one.

Printed are the SHA-256 of file and weights, the architecture, the classes, and a digest of the logits of a fixed drawn
image in float32. They are compared with those of a known model, and with CKPT.record.json, which --record writes.
Exit status: 0 if they are equal but for rounding of the logits, or there is no record; 1 if they differ.
"""

from argparse import ArgumentParser, Namespace
from statistics import fmean
from typing import TYPE_CHECKING

from mmoneformer_cli.arguments import CONFIG_HELP

if TYPE_CHECKING:
    from mmoneformer.fingerprint.model_record import ModelRecord

EXAMPLES = """\
  mmoneformer verify work_dirs/mine/iter_160000.pth --record
  mmoneformer verify work_dirs/mine/iter_160000.pth
  mmoneformer verify oneformer_swin-l_coco"""
NO_RECORD = 'there is none; --record writes one, for later comparisons and for other machines'


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('checkpoint', metavar='CKPT', help='checkpoint, or name of a released model')
    parser.add_argument('--config', help=f'{CONFIG_HELP}; default: the config in the checkpoint')
    parser.add_argument(
        '--record', action='store_true', help='write CKPT.record.json, instead of comparing with one that is there'
    )


def run(options: Namespace) -> int:
    """Run the command; return the exit status."""
    from mmoneformer.apis.verify import record_path, verify

    path, record, differences = verify(options.checkpoint, config=options.config, record=options.record)
    for name, value in _lines(record):
        print(f'{name:<16}{value}')
    for name, sentences in differences.items():
        print(f'{"compared":<16}{name}: {"; ".join(sentences) if sentences else "equal"}')
    if options.record:
        print(f'{"written":<16}{record_path(path)}')
    elif not differences:
        print(f'{"record":<16}{NO_RECORD}')
    return 1 if any(differences.values()) else 0


def _lines(record: 'ModelRecord') -> list[tuple[str, object]]:
    things = len(record.thing_ids)
    return [
        ('file', f'SHA-256 {record.file_sha256}'),
        ('weights', f'SHA-256 {record.weights_sha256}'),
        *record.architecture.items(),
        ('classes', f'{len(record.classes)}, {things} of them things: {", ".join(record.classes)}'),
        *(
            (f'{task}', ', '.join(f'{kind} logits {fmean(values):.4f}' for kind, values in digest.items()))
            for task, digest in record.logits.items()
        ),
    ]
