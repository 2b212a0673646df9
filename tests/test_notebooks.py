"""The notebooks: without outputs in the repository, and each runs from its first cell to its last."""

import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / 'notebooks').glob('*.ipynb'))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def test_are_valid_and_have_no_outputs(notebook):
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == 'code']
    assert code
    assert not any(cell.outputs or cell.execution_count for cell in code)


@pytest.mark.slow
def test_runs(notebook, tmp_path, monkeypatch):
    monkeypatch.setenv('NOTEBOOK_STEPS', '4')
    monkeypatch.setenv('PATH', f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}')
    NotebookClient(notebook, timeout=600, resources={'metadata': {'path': str(tmp_path)}}).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == 'code']
    outputs = [output for cell in code for output in cell.outputs]
    pictures = [output for output in outputs if 'image/png' in output.get('data', {})]
    errors = [output.text for output in outputs if 'error:' in output.get('text', '')]
    assert pictures
    assert not errors
