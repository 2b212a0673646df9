import sys
from io import BytesIO, TextIOWrapper
from types import SimpleNamespace

import pytest

from mmoneformer_cli.running import UsageError, run_tool


def command(error=None, status=0):
    def run(options):
        if error is not None:
            raise error
        return status + options.more

    def add_arguments(parser):
        parser.add_argument('--more', type=int, default=0)

    return SimpleNamespace(__doc__='Does it.', EXAMPLES='  do it', add_arguments=add_arguments, run=run)


def test_the_status_is_the_commands():
    assert run_tool(command(status=1), ['--more', '1']) == 2


def test_expected_errors_are_a_line():
    with pytest.raises(SystemExit, match=r'^error: no such file: a\.jpg$'):
        run_tool(command(ValueError('no such\n  file: a.jpg')), [])


def test_bugs_show_where():
    with pytest.raises(KeyError):
        run_tool(command(KeyError('x')), [])


def test_errors_that_are_to_show_where():
    with pytest.raises(ValueError, match='bad'):
        run_tool(command(ValueError('bad')), [], one_line=())


def test_an_error_without_words_has_its_type():
    with pytest.raises(SystemExit, match='^error: OSError'):
        run_tool(command(OSError()), [])


def test_wrong_arguments(capsys):
    with pytest.raises(SystemExit, match='^2$'):
        run_tool(command(UsageError('no data of val')), [])
    assert capsys.readouterr().err == 'error: no data of val\n'


def test_an_interruption(capsys):
    with pytest.raises(SystemExit, match='^130$'):
        run_tool(command(KeyboardInterrupt()), [])
    assert capsys.readouterr().err == 'interrupted\n'


def test_characters_that_the_console_lacks(monkeypatch):
    written = BytesIO()
    monkeypatch.setattr('sys.stdout', TextIOWrapper(written, encoding='cp1252', newline='\n'))
    hello = command()
    hello.run = lambda options: print('größer \u8349') or 0
    assert run_tool(hello, []) == 0
    sys.stdout.flush()
    assert written.getvalue().decode('cp1252') == 'größer \\u8349\n'
