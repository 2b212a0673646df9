import pytest
from mmengine.config import Config

from mmoneformer.checkpoints.backbones.dinat import complete
from mmoneformer.config_files import config_path

RELEASED = Config.fromfile(config_path('oneformer_dinat-l_cityscapes')).model.backbone
DILATIONS = [list(level) for level in RELEASED.dilations]


def test_dilations_of_the_released_model():
    arguments = dict(type='DiNAT', depths=[3, 4, 18, 5])
    assert complete(arguments, {}, RELEASED) == dict(type='DiNAT', dilations=DILATIONS)
    assert arguments['depths'] == [3, 4, 18, 5]


def test_given_dilations_come_first():
    given = [[1, 2], [1]]
    for released in (None, RELEASED):
        assert complete(dict(depths=[2, 1]), dict(dilations=given), released) == dict(dilations=given)


@pytest.mark.parametrize(('depths', 'released'), [([3, 4, 18, 5], None), ([2, 2, 2, 1], RELEASED)])
def test_unknown_dilations(depths, released):
    with pytest.raises(ValueError, match=r'none was released with \[.*\] blocks .* "model\.backbone\.dilations='):
        complete(dict(depths=depths), {}, released)
