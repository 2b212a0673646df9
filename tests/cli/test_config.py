import pytest
from mmengine.config import Config

from mmoneformer.config_files import config_names, config_path
from mmoneformer_cli.main import main


def test_names(capsys):
    assert main(['config']) == 0
    assert capsys.readouterr().out.splitlines() == config_names()


def test_a_config_to_edit(tmp_path, capsys):
    assert main(['config', 'oneformer_r50_coco']) == 0
    mine = tmp_path / 'mine.py'
    mine.write_text(capsys.readouterr().out)
    assert Config.fromfile(mine).model == Config.fromfile(config_path('oneformer_r50_coco')).model


def test_an_unknown_name():
    with pytest.raises(
        SystemExit, match="^error: no config file 'oneformer_r5_coco'.* did you mean oneformer_r50_coco"
    ):
        main(['config', 'oneformer_r5_coco'])
