from argparse import ArgumentParser

from mmengine.config import DictAction

from mmoneformer_cli.config_options import add_config_options

WORDS = ['--cfg-options', 'a.b=1', 'c=[1,(2,3)]', 'd=text', 'e=True']


def test_values_are_read_as_mmengine_reads_them():
    ours, theirs = ArgumentParser(), ArgumentParser()
    add_config_options(ours)
    theirs.add_argument('--cfg-options', nargs='+', action=DictAction)
    assert ours.parse_args(WORDS) == theirs.parse_args(WORDS)
    assert ours.parse_args(WORDS).cfg_options == {'a.b': 1, 'c': [1, (2, 3)], 'd': 'text', 'e': True}
