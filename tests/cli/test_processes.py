import os
from argparse import ArgumentParser

import pytest

from mmoneformer_cli.processes import add_process_options, pass_on_rank


def options(*words):
    parser = ArgumentParser()
    add_process_options(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize('name', ['--local-rank', '--local_rank'])
def test_the_rank_of_older_launchers(monkeypatch, name):
    monkeypatch.setattr(os, 'environ', {})
    pass_on_rank(options(f'{name}=3'))
    assert os.environ['LOCAL_RANK'] == '3'


def test_the_launchers_variable_wins(monkeypatch):
    monkeypatch.setattr(os, 'environ', {'LOCAL_RANK': '1'})
    pass_on_rank(options())
    assert os.environ['LOCAL_RANK'] == '1'
