import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_script_is_the_command(tmp_path):
    main = runpy.run_path(str(ROOT / 'tools/export_model.py'))['main']
    (tmp_path / 'model.onnx').write_text('mine')
    with pytest.raises(SystemExit, match='model.onnx exists and is not an exported model'):
        main([str(ROOT / 'tests/data/exported.pth'), str(tmp_path / 'model.onnx')])
