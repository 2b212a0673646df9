"""Reads the config that a checkpoint carries without running it.

mmengine stores a config as Python text and reads it by executing it. Text that comes with downloaded weights is data:
here it is parsed, and only values that a config dump can hold are accepted.
"""

import ast
import os
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config


def stored_config(checkpoint: Mapping[str, Any], path: str | os.PathLike[str] | None) -> Config:
    """Read the config that a checkpoint carries.

    Args:
        checkpoint: From ``read_checkpoint``.
        path: Its file, for the message.

    Raises:
        ValueError: If it carries none, or one that holds more than values.
    """
    text = checkpoint.get('meta', {}).get('cfg')
    if not isinstance(text, str):
        raise ValueError(f'{path} carries no config (meta.cfg): give the one it was trained with as config')
    return parse_config(text)


def parse_config(text: str) -> Config:
    """Parse what ``Config.pretty_text`` writes.

    Args:
        text: Assignments of numbers, strings, True, False, None, lists, tuples, sets, dicts and ``dict(...)`` calls
            with keywords.

    Raises:
        ValueError: If the text holds anything else; the message names line and construct.
    """
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f'the config is no Python text: {error}') from error
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
            if len(named) == len(keywords):  # neither dict(**x) nor a name twice
                return (_evaluate(mappings[0]) if mappings else {}) | named
    raise _refusal(node)


def _constant(node: ast.expr | None, parent: ast.expr) -> Any:
    """A key of a dict or an item of a set; None stands for ``**`` in a dict."""
    if not isinstance(node, ast.Constant):
        raise _refusal(parent)
    return node.value


def _refusal(node: ast.stmt | ast.expr) -> ValueError:
    code = ast.unparse(node).partition('\n')[0][:60]
    return ValueError(
        f'line {node.lineno} of the config: {type(node).__name__} {code!r} is no plain value. A config that comes '
        'with a checkpoint is never executed; if you trust this one, save it as a file and give that as config'
    )
