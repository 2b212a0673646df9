from importlib.metadata import version

from packaging.version import Version

import mmoneformer


def test_package_and_metadata_state_the_same_version():
    assert mmoneformer.__version__ == version('mmoneformer')


def test_version_is_as_pip_writes_it():
    assert str(Version(mmoneformer.__version__)) == mmoneformer.__version__
