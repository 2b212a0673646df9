"""docs/extending.md lists every table of tasks, and files that exist."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import mmoneformer
from mmoneformer.tasks import TaskTable

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'docs/extending.md').read_text()
FILES = re.findall(r'^\| `([\w/.-]+\.py)` \|', PAGE, re.MULTILINE)


def test_every_table_is_listed():
    for found in walk_packages(mmoneformer.__path__, 'mmoneformer.'):
        if not found.name.endswith('__main__'):
            import_module(found.name)
    listed = re.findall(r'^\| `([\w.]+\.[A-Z_]+)` \|', PAGE, re.MULTILINE)
    assert sorted(f'mmoneformer.{name}' for name in listed) == sorted(table.name for table in TaskTable.tables)


def test_files_are_listed():
    own = ROOT / 'tests/extending/own'
    assert sorted(FILES) == sorted(str(path.relative_to(own)) for path in own.rglob('*.py'))


@pytest.mark.parametrize('module', sorted(set(re.findall(r'`(mmoneformer\.[a-z_.]+)\.\w+`', PAGE))))
def test_names_are_importable(module):
    names = re.findall(rf'`{module}\.(\w+)`', PAGE)
    assert all(hasattr(import_module(module), name) for name in names)
