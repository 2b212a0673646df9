from pathlib import Path

import pytest

from mmoneformer import config_files
from mmoneformer.config_files import config_names, config_path, find_config

CLONE = Path(__file__).parents[1] / 'configs'


def test_a_clone_has_its_own_configs():
    assert config_names() == sorted(path.stem for path in CLONE.glob('*.py'))
    assert config_path('oneformer_swin-l_ade20k') == CLONE / 'oneformer_swin-l_ade20k.py'
    assert config_path('_base_/models/oneformer_r50') == CLONE / '_base_/models/oneformer_r50.py'


def test_those_of_the_wheel_come_first(tmp_path, monkeypatch):
    """Another package may have put a folder named configs beside an installed one."""
    monkeypatch.setattr(config_files, 'IN_WHEEL', tmp_path)
    (tmp_path / 'oneformer_x.py').touch()
    assert config_names() == ['oneformer_x']
    assert config_path('oneformer_x') == tmp_path / 'oneformer_x.py'


def test_unknown_names_list_similar_ones():
    with pytest.raises(
        ValueError, match=r"unknown config 'oneformer_swin-l_ade': did you mean oneformer_swin-l_ade20k"
    ):
        config_path('oneformer_swin-l_ade')
    with pytest.raises(ValueError, match="unknown config 'x': 'mmoneformer config' lists all names"):
        config_path('x')


def test_a_file_or_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('mine.py').touch()
    assert find_config('mine.py') == Path('mine.py')
    assert find_config('oneformer_r50_coco') == CLONE / 'oneformer_r50_coco.py'


def test_neither_a_file_nor_a_name():
    with pytest.raises(
        FileNotFoundError, match=r"no config file 'configs/oneformer_r50_koko.py', .* oneformer_r50_coco"
    ):
        find_config('configs/oneformer_r50_koko.py')
