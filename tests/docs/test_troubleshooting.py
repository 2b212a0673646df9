"""The messages that docs/troubleshooting.md explains are the ones that the code gives."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'docs/troubleshooting.md').read_text()
MESSAGES = [line.strip() for line in PAGE.splitlines() if line.startswith('    ')]


def texts() -> list[str]:
    """All texts of the package, with ... for what is filled in."""
    found = []
    for path in (ROOT / 'mmoneformer').rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else '...' for part in node.values]
                found.append(' '.join(''.join(parts).split()))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(' '.join(node.value.split()))
    return found


@pytest.fixture(scope='module')
def all_texts():
    return texts()


@pytest.mark.parametrize('message', MESSAGES)
def test_message_is_ours(message, all_texts):
    """What comes behind an ellipsis at the end may be of another text, such as a remedy."""
    message = message.removesuffix('...').strip()
    assert any(message in text for text in all_texts)


def test_options_and_files_exist():
    for path in re.findall(r'`(?:python )?((?:tools|configs|requirements|mmoneformer)/[\w./-]+)', PAGE):
        assert (ROOT / path).exists() or path == 'configs/CONFIG.py', path
