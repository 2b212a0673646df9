import runpy
import subprocess
import sys

import pytest

from mmoneformer_cli.main import COMMANDS, build_parser, main

HELP = """
import sys
from mmoneformer_cli.main import main
try:
    main(sys.argv[1:])
finally:
    heavy = {'mmengine', 'mmoneformer', 'numpy', 'torch'} & sys.modules.keys()
    assert not heavy, heavy
"""


@pytest.mark.parametrize('arguments', [['--help'], ['train', '--help']])
def test_help_comes_without_torch(arguments):
    told = subprocess.run([sys.executable, '-c', HELP, *arguments], capture_output=True, text=True, check=True)
    assert told.stdout.startswith('usage: ')
    assert told.stderr == ''


def test_help_lists_every_command_and_the_exit_statuses(capsys):
    with pytest.raises(SystemExit, match='0'):
        main(['--help'])
    told = capsys.readouterr().out
    assert [name for name in COMMANDS if f'\n    {name} ' not in told and f'\n    {name}\n' not in told] == []
    assert '130 interrupted' in told


@pytest.mark.parametrize('name', COMMANDS)
def test_the_examples_in_help_can_be_read(name, capsys):
    """With the arguments that they show, up to the shell's quotes."""
    with pytest.raises(SystemExit, match='0'):
        main([name, '--help'])
    examples = capsys.readouterr().out.partition('examples:\n')[2].splitlines()
    assert examples
    for example in examples:
        words = example.partition(' > ')[0].replace("'", '').split()
        assert words[0] == 'mmoneformer'
        assert build_parser().parse_args(words[1:]).command == name


@pytest.mark.parametrize('arguments', [[], ['fly'], ['predict', 'a.jpg'], ['test', 'x.pth', '--tasks', 'depth']])
def test_wrong_arguments_are_status_2(arguments, capsys):
    with pytest.raises(SystemExit, match='2'):
        main(arguments)
    assert capsys.readouterr().err.startswith('usage: ')


def test_errors_are_a_line(tmp_path):
    with pytest.raises(SystemExit, match=r'^error: .*y.pth is not a file, nor the name of a released model .*$'):
        main(['predict', 'a.jpg', '--weights', str(tmp_path / 'y.pth')])


def test_errors_of_any_type_are_a_line(monkeypatch):
    monkeypatch.setattr(COMMANDS['demo'], 'run', lambda options: {}['missing'])
    with pytest.raises(SystemExit, match=r"^error: KeyError: 'missing'  \(--debug shows the traceback\)$"):
        main(['demo'])


def test_debug_shows_where(tmp_path):
    with pytest.raises(FileNotFoundError):
        main(['predict', 'a.jpg', '--weights', str(tmp_path / 'y.pth'), '--debug'])


def test_python_m(monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['mmoneformer', 'convert', '--help'])
    with pytest.raises(SystemExit, match='0'):
        runpy.run_module('mmoneformer', run_name='__main__')
    assert 'usage: mmoneformer convert' in capsys.readouterr().out
