import io
import itertools

import pytest
from rich.console import Console

from mmoneformer.apis import progress
from mmoneformer.apis.progress import tracked


@pytest.fixture
def terminal(monkeypatch):
    """What is printed on a terminal."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=100)
    original = progress.Progress
    monkeypatch.setattr(progress, 'Progress', lambda *args, **options: original(*args, console=console, **options))
    return text


def test_passes_all_on_and_says_how_many_how_fast(terminal):
    assert list(tracked(['a', 'b', 'c'], shown=True)) == ['a', 'b', 'c']
    assert '3/3' in terminal.getvalue()
    assert 'images/s' in terminal.getvalue()


def test_an_iterator_is_not_read_ahead(terminal):
    images = itertools.count()
    assert next(tracked(images, shown=True, total=7)) == 0
    assert next(images) == 1


@pytest.mark.parametrize(('images', 'shown'), [(['a'], True), (['a', 'b'], False)])
def test_no_bar_for_one_image_or_where_none_is_wanted(terminal, images, shown):
    assert list(tracked(images, shown=shown)) == images
    assert terminal.getvalue().strip() == ''
