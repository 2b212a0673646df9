import os
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import distributions
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmoneformer.results import mask_targets, to_fiftyone

ROOT = Path(__file__).parents[2]
PROGRAM = """
import runpy
import sys

import numpy as np
from fiftyone import Detections, Segmentation

from mmoneformer.results import to_fiftyone

tests = runpy.run_path(sys.argv[1])
metainfo, ids = tests['METAINFO'], tests['ID_MAP']
predictions = tests['make_predictions']()
masks = ids == np.arange(1, 5)[:, None, None]
for task, expected in (('instance', masks[1:3]), ('panoptic', masks)):
    found = to_fiftyone(predictions, task, metainfo)
    assert isinstance(found, Detections)
    for detection, mask in zip(found.detections, expected, strict=True):
        drawn = detection.to_segmentation(frame_size=(9, 6), target=1)
        np.testing.assert_array_equal(drawn.get_mask() == 1, mask)
assert [detection.label for detection in found.detections] == ['sky', 'cat', 'cat', 'road']
assert found.detections[1].confidence == 0.75
found = to_fiftyone(predictions, 'semantic', metainfo)
assert isinstance(found, Segmentation)
np.testing.assert_array_equal(found.mask, predictions['semantic']['label_map'] + 1)
print('equal')
"""


def test_names_of_values(metainfo):
    assert mask_targets(metainfo) == {1: 'sky', 2: 'cat', 3: 'road'}


def test_pixels_without_data(raster, metainfo, monkeypatch):
    monkeypatch.setitem(sys.modules, 'fiftyone', SimpleNamespace(Segmentation=lambda mask: mask))
    mask = to_fiftyone(raster, 'semantic', metainfo)
    assert (mask[0] == 0).all()
    assert set(mask[1:].ravel().tolist()) == set(mask_targets(metainfo))


def test_without_the_package(predictions, metainfo, monkeypatch):
    monkeypatch.setitem(sys.modules, 'fiftyone', None)
    with pytest.raises(ImportError, match=r"fiftyone is not installed: pip install 'mmoneformer\[fiftyone\]'"):
        to_fiftyone(predictions, 'instance', metainfo)


@pytest.mark.slow
def test_labels_in_an_environment_of_their_own(tmp_path):
    """FiftyOne brings a database and pins packages: it has an environment that sees the packages of this one.

    The database is left out: its package downloads a program while it is built, and labels do without it.
    """
    venv.create(tmp_path / 'env', symlinks=True)
    python = tmp_path / 'env/bin/python'
    (site_packages,) = (tmp_path / 'env').glob('lib/python*/site-packages')
    (site_packages / 'packages_of_the_tests.pth').write_text(sysconfig.get_path('purelib'))
    install = [sys.executable, '-m', 'pip', '--python', python, 'install', '-q']
    subprocess.run([*install, '--no-deps', 'fiftyone'], check=True)
    (found,) = distributions(name='fiftyone', path=[str(site_packages)])
    needed = [line for line in found.requires or () if 'extra ==' not in line and not line.startswith('fiftyone-db')]
    subprocess.run([*install, *needed], check=True)
    (tmp_path / 'program.py').write_text(PROGRAM)
    settings = {'PYTHONPATH': str(ROOT), 'FIFTYONE_DISABLE_SERVICES': '1', 'HOME': str(tmp_path)}
    done = subprocess.run(
        [python, 'program.py', ROOT / 'tests/results/conftest.py'],
        cwd=tmp_path,
        env=os.environ | settings,
        capture_output=True,
        text=True,
    )
    assert done.stdout.endswith('equal\n'), done.stderr[-3000:]
