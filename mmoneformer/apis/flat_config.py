"""A config as one file without bases, to be edited.

Assignments and comments of the config's own file stay as they are; what it inherits is written as values. A setting
that occurs several times is a variable: the file of a data set names its pipelines, and its loaders refer to them.
"""

import ast
import re
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from mmengine.config import Config

from mmoneformer.config_files import READ

LINE_LENGTH = 119
USED = READ - {'test_pipeline'}  # anything else is a variable of the file; the pipeline is one of its loaders, too
BASE = re.compile(r'\b_base_\.(\w+)')
REFERENCE = re.compile(r'\{\{\s*(_base_[\w.]*)\s*\}\}')  # mmengine's other spelling

# Source text that may be broken into lines: as it is, or opening, items with what precedes them, and closing.
Text = str | tuple[str, list[tuple[str, 'Text']], str]


def flat_config(path: Path) -> str:
    """Write a config as one file.

    Args:
        path: A config file in Python.

    Returns:
        Source text of a config that has no ``_base_`` and describes the same.
    """
    return _FlatConfig(path).text()


class _FlatConfig:
    """Collects the assignments of the flat file; variables come before what refers to them."""

    def __init__(self, path: Path) -> None:
        self._source = REFERENCE.sub(r'\1', path.read_text(encoding='utf-8'))
        self._own = ast.parse(self._source).body
        self._values = Config.fromfile(path).to_dict()
        self._inherited = _inherited(path, self._own)
        self._written: list[str] = []
        self._started: set[str] = set()
        self._done: set[str] = set()

    def text(self) -> str:
        end = 0
        for statement in self._own:
            comments = self._lines(end, statement.lineno - 1)
            end = statement.end_lineno or statement.lineno
            names = _targets(statement)
            if names == ['_base_']:
                self._written.append(comments)
            elif names and not self._started & set(names):
                self._started |= set(names)
                self._written.append(comments + self._own_assignment(statement, names))
                self._done |= set(names)
        for name in self._values:
            if name in USED:
                self._write(name)
        return ''.join(self._written).strip('\n') + '\n'

    def _lines(self, start: int, stop: int) -> str:
        return ''.join(self._source.splitlines(keepends=True)[start:stop])

    def _own_assignment(self, statement: ast.stmt, names: list[str]) -> str:
        """Return an assignment of the config's own file; where it changes something inherited, with the rest of it."""
        assert isinstance(statement, ast.Assign)
        name = names[0]
        if name in self._inherited:
            merged = self._merge(self._inherited[name], statement.value, self._values[name])
            if not isinstance(merged, str):
                return _assignment(name, self._literal(self._values[name]) if merged is None else merged)
        return self._refer(self._lines(statement.lineno - 1, statement.end_lineno or statement.lineno))

    def _write(self, name: str) -> None:
        """Write an assignment of something inherited, unless it has been written."""
        if name in self._started:
            return
        value = self._values[name]
        same = [other for other in self._values if other in USED & self._done and self._values[other] == value]
        self._started.add(name)
        self._written.append(_assignment(name, same[0] if same and _has_items(value) else self._literal(value)))
        self._done.add(name)

    def _merge(self, base: object, change: ast.expr, value: object) -> Text | None:
        """Return an expression for the value that a change makes of a base; None if there is only the value."""
        changes = _keywords_of_dict(change)
        if changes is None or not (
            isinstance(base, dict) and isinstance(value, dict) and changes.keys() <= value.keys()
        ):
            return self._refer(ast.unparse(change)) if self._evaluate(change) == value else None
        items: list[tuple[str, Text]] = []
        for key, child in value.items():
            changed = self._merge(base.get(key), changes[key], child) if key in changes else None
            items.append((f'{key}=', self._literal(child, key) if changed is None else changed))
        return 'dict(', items, ')'

    def _evaluate(self, expression: ast.expr) -> object:
        code = compile(ast.Expression(expression), 'config', 'eval')
        return eval(code, {**self._values, '_base_': self._inherited})

    def _refer(self, source: str) -> str:
        """Refer to variables of the bases by their names; they are written before."""
        for name in BASE.findall(source):
            self._write(name)
        return BASE.sub(r'\1', source)

    def _literal(self, value: object, key: object = None) -> Text:
        variable = next((name for name in self._values if self._stands_for(name, value, key)), None)
        if variable is not None:
            self._write(variable)
            return variable
        match value:
            case dict() if all(isinstance(name, str) and name.isidentifier() for name in value):
                return 'dict(', [(f'{name}=', self._literal(child, name)) for name, child in value.items()], ')'
            case dict():
                return '{', [(f'{name!r}: ', self._literal(child)) for name, child in value.items()], '}'
            case list():
                return '[', [('', self._literal(child)) for child in value], ']'
            case tuple():
                return '(', [('', self._literal(child)) for child in value], ',)' if len(value) == 1 else ')'
        return repr(value)

    def _stands_for(self, name: str, value: object, key: object) -> bool:
        """Whether a variable has this value, and not by chance."""
        other = self._values[name]
        if name in USED or name in self._started - self._done or type(other) is not type(value) or other != value:
            return False
        match value:
            case dict() | list() | tuple():
                return len(value) > 1 or name == key
            case str():
                return len(value) > 30 or name == key
            case int():
                return key is not None and (value >= 1000 or name == key)
        return name == key


def _inherited(path: Path, statements: list[ast.stmt]) -> Config:
    """Read what a config inherits from its bases."""
    bases = [statement for statement in statements if _targets(statement) == ['_base_']]
    if not bases:
        return Config()
    names = ast.literal_eval(bases[0].value)  # type: ignore[attr-defined]
    names = [names] if isinstance(names, str) else names
    with TemporaryDirectory() as folder:
        bases_alone = Path(folder, 'bases.py')
        absolute = [name if '::' in name else str(path.absolute().parent / name) for name in names]
        bases_alone.write_text(f'_base_ = {absolute}\n', encoding='utf-8')
        return Config.fromfile(bases_alone)


def _targets(statement: ast.stmt) -> list[str]:
    """Return the names that a statement assigns to."""
    if not isinstance(statement, ast.Assign):
        return []
    names = (target.elts if isinstance(target, ast.Tuple) else [target] for target in statement.targets)
    return [name.id for name in chain.from_iterable(names) if isinstance(name, ast.Name)]


def _keywords_of_dict(expression: ast.expr) -> dict[str | None, ast.expr] | None:
    """Return the keyword arguments of a call of ``dict``; None if the expression is anything else."""
    if isinstance(expression, ast.Call) and ast.unparse(expression.func) == 'dict' and not expression.args:
        return {keyword.arg: keyword.value for keyword in expression.keywords}
    return None


def _assignment(name: str, value: Text) -> str:
    return f'{name} = {_broken(value, len(name) + 3, 0)}\n'


def _has_items(value: object) -> bool:
    return isinstance(value, dict | list | tuple)


def _broken(text: Text, column: int, indent: int) -> str:
    """Break text that starts in a column into lines, if it is too long for one."""
    in_one_line = _joined(text)
    if isinstance(text, str) or column + len(in_one_line) < LINE_LENGTH:
        return in_one_line
    opening, items, closing = text
    inner = indent + 4
    lines = [f'{" " * inner}{prefix}{_broken(item, inner + len(prefix), inner)},\n' for prefix, item in items]
    return f'{opening}\n{"".join(lines)}{" " * indent}{closing.lstrip(",")}'


def _joined(text: Text) -> str:
    if isinstance(text, str):
        return text
    opening, items, closing = text
    return opening + ', '.join(prefix + _joined(item) for prefix, item in items) + closing
