import pytest

from mmoneformer.export.description import describe
from mmoneformer.export.openvino_format import write_openvino
from mmoneformer.export.verification import TOLERANCES, compare
from mmoneformer_deploy.runtimes import open_network


@pytest.mark.slow
def test_file(model, program, tmp_path):
    (tmp_path / 'model.onnx').write_text('another file')
    write_openvino(program, tmp_path / 'model.xml', describe(model))
    assert sorted(path.name for path in tmp_path.iterdir()) == ['model.bin', 'model.onnx', 'model.xml']
    assert (tmp_path / 'model.onnx').read_text() == 'another file'
    file = open_network(tmp_path / 'model.xml')
    assert file.description == describe(model)
    assert TOLERANCES['float32'].accepts(list(compare(file, model)))
