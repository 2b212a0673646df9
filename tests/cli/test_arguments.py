import os
from argparse import ArgumentParser

import pytest
from mmengine.config import DictAction

from mmoneformer import tasks
from mmoneformer.apis import check_dataset, device
from mmoneformer.rasters import geo_files
from mmoneformer_cli import arguments
from mmoneformer_cli.arguments import add_config_options, add_process_options, pass_on_rank
from mmoneformer_deploy import image_files

WORDS = ['--cfg-options', 'a.b=1', 'c=[1,(2,3)]', 'd=text', 'e=True']


def parse(add, words):
    parser = ArgumentParser()
    add(parser)
    return parser.parse_args(words)


def test_names_are_those_of_the_package():
    assert tuple(tasks.TASKS) == arguments.TASKS
    assert tuple(device.DTYPES) == arguments.PRECISIONS
    assert check_dataset.SPLITS == arguments.SPLITS
    assert image_files.FORMATS == arguments.FORMATS
    assert tuple(geo_files.WRITE_POLYGONS) == arguments.POLYGONS


def test_settings_are_parsed_as_mmengine_parses_them():
    ours = parse(add_config_options, WORDS)
    theirs = parse(lambda parser: parser.add_argument('--cfg-options', nargs='+', action=DictAction), WORDS)
    assert ours == theirs
    assert ours.cfg_options == {'a.b': 1, 'c': [1, (2, 3)], 'd': 'text', 'e': True}


@pytest.mark.parametrize('name', ['--local-rank', '--local_rank'])
def test_the_rank_of_older_launchers(monkeypatch, name):
    monkeypatch.setattr(os, 'environ', {})
    pass_on_rank(parse(add_process_options, [f'{name}=3']))
    assert os.environ['LOCAL_RANK'] == '3'


def test_the_launchers_variable_has_priority(monkeypatch):
    monkeypatch.setattr(os, 'environ', {'LOCAL_RANK': '1'})
    pass_on_rank(parse(add_process_options, []))
    assert os.environ['LOCAL_RANK'] == '1'
