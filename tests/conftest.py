"""Shared by all tests."""

from collections.abc import Iterator

import pytest
from mmengine.registry import DefaultScope

import mmoneformer  # noqa: F401  # before any test module imports mmdet


@pytest.fixture(autouse=True)
def own_scope() -> Iterator[None]:
    """Let no test leave its default scope to the others: a Runner sets one."""
    with DefaultScope.overwrite_default_scope('mmoneformer'):
        yield


@pytest.fixture
def unformatted_configs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write configs as they are: formatting takes seconds."""
    for name in ('mmengine.config.config.FormatCode', 'yapf.yapflib.yapf_api.FormatCode'):  # mmengine's, its fork's
        monkeypatch.setattr(name, lambda text, **_: (text, True), raising=False)
