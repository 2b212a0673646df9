import json
import sys

import pytest

from mmoneformer.packages import EXTRAS, load_package


def test_package_that_is_installed():
    assert load_package('json') is json


@pytest.mark.parametrize('name', EXTRAS)
def test_package_that_is_missing(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, 'meta_path', [])
    with pytest.raises(ImportError, match=rf"needs {name}, which is not installed: pip install 'mmoneformer\[\w+\]'"):
        load_package(name)
