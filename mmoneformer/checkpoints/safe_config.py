"""Reads the config stored in a checkpoint, and builds from it, without executing code that it may contain.

mmengine stores a config as Python source and reads it by executing it. Here it is parsed, and only the values that
mmengine writes are accepted.
"""

import ast
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import mmengine.registry
from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.registry import registry as mmengine_registry


def stored_config(checkpoint: Mapping[str, Any], path: str | os.PathLike[str] | None) -> Config:
    """Read the config stored in a checkpoint.

    Args:
        checkpoint: The result of ``read_checkpoint``.
        path: Its file, for the error message.

    Raises:
        ValueError: If it contains no config, one that contains more than values, or one without a model.
    """
    text = checkpoint.get('meta', {}).get('cfg')
    if not isinstance(text, str):
        raise ValueError(f'{path} contains no config (meta.cfg): pass the one it was trained with')
    try:
        cfg = parse_config(text)
    except ValueError as error:
        raise ValueError(f'the config in {path} cannot be read: {error}') from error
    if not isinstance(cfg.get('model'), Mapping):
        raise ValueError(f'the config in {path} has no model: pass the one it was trained with')
    return cfg


@contextmanager
def registered_parts_only() -> Iterator[None]:
    """Context in which only registered types can be built from a config.

    Otherwise mmengine takes an unknown type for an import path, imports it, and calls it with the config's values:
    ``type='subprocess.Popen'`` would run a program. The path of a registered class, as Python-style configs have it,
    is accepted if its module is imported already. The look-up of other paths is disabled in the entire process.

    Raises:
        ValueError: If the config contains a type that is not registered.
    """
    unregistered: list[str] = []

    def find(path: str) -> Any:
        found = _find_registered(path)
        if found is None:
            unregistered.append(path)
        return found

    original = mmengine_registry.get_object_from_string
    mmengine_registry.get_object_from_string = find
    try:
        yield
    except Exception as error:
        if not unregistered:
            raise
        raise ValueError(
            f'the config of the checkpoint contains type {unregistered[-1]!r}, which is not registered: import the '
            'module that registers it first; or, if it is an import path that you trust, save the config to a file '
            'and pass that as config'
        ) from error
    finally:
        mmengine_registry.get_object_from_string = original


def _find_registered(path: str) -> Any:
    """The registered class or function with an import path; None if there is none. Nothing is imported."""
    module, _, name = path.rpartition('.')
    found = vars(sys.modules[module]).get(name) if module in sys.modules else None
    remaining = [part for part in vars(mmengine.registry).values() if isinstance(part, Registry)]
    while remaining and found is not None:
        registry = remaining.pop()
        if any(part is found for part in registry.module_dict.values()):
            return found
        remaining += registry.children.values()
    return None


def parse_config(text: str) -> Config:
    """Parse the output of ``Config.pretty_text``.

    Args:
        text: Assignments of numbers, strings, True, False, None, lists, tuples, sets, dicts and ``dict(...)`` calls
            with keywords.

    Raises:
        ValueError: If the text contains anything else; the message has the line and the construct.
    """
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f'the config is not valid Python: {error}') from error
    values: dict[str, Any] = {}
    for statement in module.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                values[name] = _evaluate(value)
            case _:
                raise _refusal(statement)
    return Config(values)


def _evaluate(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.List(elts=items):
            return [_evaluate(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_evaluate(item) for item in items)
        case ast.Set(elts=items):
            return {_constant(item, node) for item in items}
        case ast.Dict(keys=keys, values=values):
            return {_constant(key, node): _evaluate(value) for key, value in zip(keys, values, strict=True)}
        case ast.Call(func=ast.Name(id='dict'), args=[] | [ast.Dict()] as mappings, keywords=keywords):
            named = {keyword.arg: _evaluate(keyword.value) for keyword in keywords if keyword.arg}
            if len(named) == len(keywords):  # no dict(**x), no duplicate names
                return (_evaluate(mappings[0]) if mappings else {}) | named
    raise _refusal(node)


def _constant(node: ast.expr | None, parent: ast.expr) -> Any:
    """A key of a dict or an item of a set; ``node`` is None for ``**`` in a dict."""
    if not isinstance(node, ast.Constant):
        raise _refusal(parent)
    return node.value


def _refusal(node: ast.stmt | ast.expr) -> ValueError:
    code = ast.unparse(node).partition('\n')[0][:60]
    return ValueError(
        f'line {node.lineno} of the config: {type(node).__name__} {code!r} is not a plain value. The config of a '
        'checkpoint is never executed; if you trust this one, save it to a file and pass that as config'
    )
