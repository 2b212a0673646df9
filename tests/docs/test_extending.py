"""docs/extending.md lists every table of tasks, and files that exist."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'docs/extending.md').read_text()
FILES = re.findall(r'^\| `([\w/.-]+\.py)` \|', PAGE, re.MULTILINE)


def test_every_table_is_listed():
    texts = [path.read_text(encoding='utf-8') for path in (ROOT / 'mmoneformer').rglob('*.py')]
    tables = [name for text in texts for name in re.findall(r"TaskTable[^(=]*\(\s*'mmoneformer\.(\S+)'", text)]
    listed = re.findall(r'^\| `([\w.]+\.[A-Z_]+)` \|', PAGE, re.MULTILINE)
    assert len(tables) > 3
    assert sorted(listed) == sorted(tables)


def test_files_are_listed():
    own = ROOT / 'tests/extending/own'
    assert sorted(FILES) == sorted(str(path.relative_to(own)) for path in own.rglob('*.py'))


@pytest.mark.parametrize('module', sorted(set(re.findall(r'`(mmoneformer\.[a-z_.]+)\.\w+`', PAGE))))
def test_names_are_importable(module):
    names = re.findall(rf'`{module}\.(\w+)`', PAGE)
    assert all(hasattr(import_module(module), name) for name in names)
