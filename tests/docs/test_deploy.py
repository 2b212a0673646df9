"""The program of docs/deploy.md, compiled with the headers of OpenVINO's package."""

import re
import runpy
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mmoneformer_deploy import Session

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'docs/deploy.md').read_text()
SMALL = runpy.run_path(str(ROOT / 'tests/data/small_network.py'))


def test_files_that_the_page_names_exist():
    linked = re.findall(r'\]\(([^)#]+)\)', PAGE)
    assert linked
    assert all((ROOT / 'docs' / path).exists() for path in linked)


@pytest.mark.slow
def test_c_plus_plus(tmp_path):
    openvino = pytest.importorskip('openvino')
    if shutil.which('g++') is None:
        pytest.skip('no g++')
    model = openvino.convert_model(SMALL['write_small_network'](tmp_path / 'small.onnx'))
    model.set_rt_info(SMALL['DESCRIPTION'].to_json(), ['mmoneformer'])
    openvino.save_model(model, tmp_path / 'small.xml', compress_to_fp16=False)
    (tmp_path / 'main.cpp').write_text(re.search(r'```cpp\n(.*?)```', PAGE, re.DOTALL)[1])
    package = Path(openvino.__file__).parent
    (library,) = (package / 'libs').glob('libopenvino.so.*')
    command = [
        'g++',
        '-std=c++17',
        'main.cpp',
        f'-I{package}/include',
        library,
        f'-Wl,-rpath,{package}/libs',
        '-o',
        'main',
    ]
    subprocess.run(command, cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / 'main', 'small.xml'], cwd=tmp_path, capture_output=True, text=True, check=True)
    description, *lines = done.stdout.splitlines()
    assert description == SMALL['DESCRIPTION'].to_json()
    image = np.full((1, 3, 512, 512), 128, np.float32)
    class_logits, _ = Session(tmp_path / 'small.xml').network(image, np.array([0]))
    assert lines == [f'query {number}: class {label}' for number, label in enumerate(class_logits[0, 0].argmax(-1))]
