"""The house rules that a tool can check (CONTRIBUTING.md), from the source text alone."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / 'mmoneformer'
MODULES = sorted(PACKAGE.rglob('*.py'))
COMMANDS = sorted((ROOT / 'mmoneformer_cli').glob('*.py'))
TOOLS = sorted((ROOT / 'tools').rglob('*.py'))
TREES = {path: ast.parse(path.read_text(encoding='utf-8')) for path in (*MODULES, *COMMANDS, *TOOLS)}

# From the bottom up: a module imports from its own part, and from parts of the rows above its own.
LAYERS = (
    ('atomic_files', 'config_files', 'dependencies', 'errors', 'mmcv_ops', 'registry', 'tasks', 'version'),
    ('structures', 'metainfo'),
    ('models', 'datasets'),
    ('checkpoints', 'evaluation', 'visualization'),
    ('results', 'data_check', 'engine', 'mmengine_names'),
    ('apis',),
    ('web',),
    ('mmoneformer_cli',),
    ('tools',),
)
LAYER_OF = {part: number for number, parts in enumerate(LAYERS) for part in parts}


def _name(path: Path) -> str:
    """The file's path in the repository, for messages."""
    return path.relative_to(ROOT).as_posix()


def _part(module: str) -> str:
    """``models`` for mmoneformer.models.oneformer; the package's own name for the other packages."""
    names = module.split('.')
    return names[1] if names[0] == 'mmoneformer' and len(names) > 1 else names[0]


def _imports(tree: ast.AST) -> Iterator[str]:
    """The modules that a file imports, wherever in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, 'imports are absolute'
            yield node.module
            yield from (f'{node.module}.{alias.name}' for alias in node.names if node.module == 'mmoneformer')


def _statements(tree: ast.AST, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
    return (node for node in ast.walk(tree) if isinstance(node, kinds))


def test_imports_point_one_way():
    wrong = []
    for path, tree in TREES.items():
        own = _part('.'.join(path.relative_to(ROOT).with_suffix('').parts))
        if own in ('__init__', '__main__'):  # the two entries to the package
            continue
        for imported in map(_part, _imports(tree)):
            if imported in LAYER_OF and imported != own and LAYER_OF[imported] >= LAYER_OF[own]:
                wrong.append(f'{_name(path)} ({own}) imports {imported}')
    assert not wrong, '\n'.join(wrong)


def test_files_and_functions_are_short():
    long = [_name(path) for path in TREES if len(path.read_text(encoding='utf-8').splitlines()) > 300]
    for path, tree in TREES.items():
        for function in _statements(tree, ast.FunctionDef, ast.AsyncFunctionDef):
            if function.end_lineno - function.lineno >= 50:
                long.append(f'{_name(path)}: {function.name}')
    assert not long, '\n'.join(long)


@pytest.mark.parametrize(('package', 'tests'), [('mmoneformer', 'tests')])
def test_each_module_has_a_test_of_its_name(package, tests):
    missing = []
    for path in (ROOT / package).rglob('*.py'):
        mirrored = ROOT / tests / path.relative_to(ROOT / package)
        if path.stem not in ('__init__', '__main__') and not mirrored.with_name(f'test_{path.name}').exists():
            missing.append(_name(path))
    assert not missing, '\n'.join(sorted(missing))


def test_each_tool_is_run_by_a_test():
    tests = ''.join(
        path.read_text(encoding='utf-8') for path in (ROOT / 'tests').rglob('*.py') if path != Path(__file__)
    )
    tools = [path for path in (ROOT / 'tools').iterdir() if path.suffix in ('.py', '.sh')]
    untested = [path for path in tools if path.name not in tests]
    assert not [_name(path) for path in untested if not (ROOT / f'tests/tools/test_{path.name}').exists()]


def _texts() -> Iterator[Path]:
    """The text files under version control, but this one."""
    names = subprocess.run(['git', 'ls-files'], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    suffixes = {'.py', '.md', '.toml', '.txt', '.sh', '.svg', '.css', '.js', '.yml'}
    return (
        ROOT / name for name in names.splitlines() if Path(name).suffix in suffixes and name != 'tests/test_layout.py'
    )


BRITISH = r"""
    colour neighbour favour behaviour labelled labelling \bgrey centre\b centred analyse\b artefact \blicence
    (?:initial|normal|serial|recogn|summar|optim|visual|organ|real|general|minim|maxim|special|util)is(?:e|ing|ation|able)
    (?:parallel|standard|synchron|custom|quant|categor)is(?:e|ing|ation|able)
"""


@pytest.mark.parametrize('words', [BRITISH], ids=['British spelling'])
def test_words_are_those_of_the_field(words):
    pattern = re.compile('|'.join(words.split()), re.IGNORECASE)
    wrong = []
    for path in _texts():
        for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
            wrong += [f'{_name(path)}:{number}: {found}' for found in pattern.findall(line)]
    assert not wrong, '\n'.join(wrong)
