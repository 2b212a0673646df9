"""The rules of CONTRIBUTING.md that a program can check."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from statistics import median
from types import FunctionType, ModuleType

import pytest

import mmoneformer
from mmoneformer.tasks import TASKS, TaskTable

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / 'mmoneformer'
MODULES = sorted(PACKAGE.rglob('*.py'))
COMMANDS = sorted((ROOT / 'mmoneformer_cli').glob('*.py'))
DEPLOY = sorted((ROOT / 'mmoneformer_deploy').glob('*.py'))
DRAWING = sorted((ROOT / 'mmoneformer_drawing').glob('*.py'))
TOOLS = sorted((ROOT / 'tools').rglob('*.py'))
SOURCES = (*MODULES, *COMMANDS, *DEPLOY, *DRAWING)
TREES = {path: ast.parse(path.read_text(encoding='utf-8')) for path in (*SOURCES, *TOOLS)}

# From the bottom up: a module imports from its own part and from those of the rows above it in this list.
LAYERS = (
    ('mmoneformer_deploy',),
    ('mmoneformer_drawing',),
    ('config_files', 'dependencies', 'errors', 'mmcv_ops', 'packages', 'registry', 'tasks', 'version'),
    ('structures', 'metainfo', 'result_images', 'video_files'),
    ('models', 'datasets', 'own_data'),
    ('checkpoints', 'evaluation', 'tracking'),
    ('results',),
    ('visualization',),
    ('data_check', 'engine', 'export', 'mmengine_names', 'tiling'),
    ('fingerprint', 'rasters'),
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


def test_deploys_without_torch_and_openmmlab():
    allowed = {*sys.stdlib_module_names, 'mmoneformer_deploy', 'numpy', 'PIL', 'onnxruntime', 'openvino'}
    assert _imported(DEPLOY) <= allowed


def test_draws_without_torch_and_openmmlab():
    """In processes that need little memory, and start in a moment."""
    allowed = {*sys.stdlib_module_names, 'mmoneformer_drawing', 'mmoneformer_deploy', 'numpy', 'PIL', 'cv2', 'scipy'}
    assert _imported(DRAWING) <= allowed


def _imported(paths: list[Path]) -> set[str]:
    """The packages that files import."""
    return {name.split('.')[0] for path in paths for name in _imports(TREES[path])}


def test_every_part_has_a_layer():
    parts = {path.relative_to(PACKAGE).parts[0].removesuffix('.py') for path in MODULES}
    assert parts - {'__init__', '__main__'} <= LAYER_OF.keys()


def test_files_and_functions_are_short():
    long = [_name(path) for path in TREES if len(path.read_text(encoding='utf-8').splitlines()) > 300]
    for path, tree in TREES.items():
        for function in _statements(tree, ast.FunctionDef, ast.AsyncFunctionDef):
            if function.end_lineno - function.lineno >= 50:
                long.append(f'{_name(path)}: {function.name}')
    assert not long, '\n'.join(long)


def test_files_are_concepts():
    lengths = {
        _name(path): len(path.read_text(encoding='utf-8').splitlines())
        for path in MODULES
        if path.stem not in ('__init__', '__main__')
    }
    short = sorted(name for name, length in lengths.items() if length < 40)
    assert len(lengths) < 250
    assert 95 <= median(lengths.values()) <= 135
    assert len(short) <= 0.06 * len(lengths), '\n'.join(short)


@pytest.mark.parametrize(
    ('package', 'tests'),
    [
        ('mmoneformer', 'tests'),
        ('mmoneformer_cli', 'tests/cli'),
        ('mmoneformer_deploy', 'tests/deploy'),
        ('mmoneformer_drawing', 'tests/drawing'),
    ],
)
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


def _knows_devices(tree: ast.AST) -> Iterator[int]:
    """Lines that depend on the type of a device; ``torch.autocast(x.device.type, ...)`` only passes it on."""
    passed_on = {
        argument
        for call in _statements(tree, ast.Call)
        if isinstance(call.func, ast.Attribute) and call.func.attr == 'autocast'
        for argument in call.args
    }
    for node in _statements(tree, ast.Attribute):
        text = ast.unparse(node)
        if node not in passed_on and re.search(
            r'(^torch\.(cuda|mps|xpu|npu)|\.is_(cuda|cpu|mps|xpu)|device\.type)$', text
        ):
            yield node.lineno


def test_devices_are_known_in_one_place():
    known = (
        'models/ops/*.py',
        'apis/device.py',
        'datasets/resumable_loading.py',  # random states are set on every type
    )
    wrong = []
    for path in MODULES:
        if any(path.relative_to(PACKAGE).match(pattern) for pattern in known):
            continue
        wrong += [f'{_name(path)}:{line}' for line in _knows_devices(TREES[path])]
    assert not wrong, '\n'.join(wrong)


def test_no_code_branches_on_a_task():
    tasks = {'panoptic', 'instance', 'semantic'}
    wrong = []
    for path in SOURCES:
        for node in _statements(TREES[path], ast.Compare, ast.MatchValue):
            constants = {n.value for n in _statements(node, ast.Constant) if isinstance(n.value, str)}
            # `annotation == 'panoptic'` is about the annotation type of a data set, not about a task
            if constants & tasks and 'annotation' not in ast.unparse(node):
                wrong.append(f'{_name(path)}:{node.lineno}: {ast.unparse(node)}')
    assert not wrong, '\n'.join(wrong)


def test_files_are_renamed_in_one_place():
    wrong = []
    for path in (*MODULES, *DEPLOY, *DRAWING):
        for call in _statements(TREES[path], ast.Call):
            if isinstance(call.func, ast.Attribute):
                text = ast.unparse(call.func)
                renames = text in ('os.replace', 'os.rename', 'shutil.move') or (
                    call.func.attr in ('rename', 'replace') and len(call.args) == 1 and 'table' not in text
                )
                if renames and path != ROOT / 'mmoneformer_deploy/atomic_files.py':
                    wrong.append(f'{_name(path)}:{call.lineno}: {ast.unparse(call)}')
    assert not wrong, '\n'.join(wrong)


def test_no_mocks_in_production():
    paths = SOURCES
    assert not [_name(path) for path in paths if any(name.startswith('unittest') for name in _imports(TREES[path]))]


def _texts() -> Iterator[Path]:
    """The text files of the repository, but this one."""
    folders = (
        'mmoneformer',
        'mmoneformer_cli',
        'mmoneformer_deploy',
        'mmoneformer_drawing',
        'tools',
        'tests',
        'configs',
        'docs',
        'docker',
        'examples',
        'requirements',
    )
    paths = [*ROOT.glob('*'), *(path for folder in folders for path in (ROOT / folder).rglob('*'))]
    paths = [path for path in paths if path != Path(__file__) and 'node_modules' not in path.parts]
    suffixes = ('.py', '.md', '.toml', '.txt', '.sh', '.svg', '.css', '.js', '.html', '.yml')
    return (path for path in paths if path.suffix in suffixes or path.name == 'Dockerfile')


# Names that the project once used where the field has others
OLD_WORDS = r"""
    \bTold\b untold _told\b UnitedDataset united_dataset KeptOnes sum_of_readers \bFrame\( run_layer outlive_sigterm
    ModelDesk ModelRoom InTest GrowingJson growing_json query_initialis panoptic_content plain_results FiniteNumbers
    finite_numbers sample_reading paper_values WholeFile whole_files config_text run_config training_log
    \bdoctor\b test_\w+_doors
"""
BRITISH = r"""
    colour neighbour favour behaviour labelled labelling \bgrey centre\b centred analyse\b artefact \blicence
    (?:initial|normal|serial|recogn|summar|optim|visual|organ|real|general|minim|maxim|special|util)is(?:e|ing|ation|able)
    (?:parallel|standard|synchron|custom|quant|categor)is(?:e|ing|ation|able)
"""


@pytest.mark.parametrize('words', [OLD_WORDS, BRITISH], ids=['old names', 'British spelling'])
def test_words_are_those_of_the_field(words):
    pattern = re.compile('|'.join(words.split()), re.IGNORECASE if words is BRITISH else 0)
    wrong = []
    for path in _texts():
        for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
            wrong += [f'{_name(path)}:{number}: {found}' for found in pattern.findall(line)]
    assert not wrong, '\n'.join(wrong)


@pytest.fixture(scope='module')
def package():
    """All modules of the package, imported."""
    names = [found.name for found in walk_packages(mmoneformer.__path__, 'mmoneformer.')]
    return [import_module(name) for name in names if not name.endswith('__main__')]


@pytest.mark.usefixtures('package')
def test_every_table_has_every_task():
    assert TaskTable.tables
    assert {table.name: set(table) for table in TaskTable.tables if set(table) != set(TASKS)} == {}


def test_tables_are_found_by_their_name(package):
    for table in TaskTable.tables:
        module, _, name = table.name.rpartition('.')
        assert getattr(import_module(module), name) is table


def test_public_names_have_docstrings(package):
    public = [
        (module.__name__, name, getattr(module, name)) for module in package for name in getattr(module, '__all__', ())
    ]
    kinds = (type, FunctionType, ModuleType)
    assert not [f'{module}.{name}' for module, name, thing in public if isinstance(thing, kinds) and not thing.__doc__]
