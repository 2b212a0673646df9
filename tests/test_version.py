from importlib.metadata import version
from pathlib import Path

import yaml
from packaging.version import Version

import mmoneformer

ROOT = Path(__file__).parents[1]


def test_package_and_metadata_state_the_same_version():
    assert mmoneformer.__version__ == version('mmoneformer')


def test_version_is_as_pip_writes_it():
    assert str(Version(mmoneformer.__version__)) == mmoneformer.__version__


def test_citation_states_the_same_version():
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text(encoding='utf-8'))
    assert citation['version'] == mmoneformer.__version__
