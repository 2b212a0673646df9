"""mmseg's functions on our config and checkpoint."""

import cv2
import mmseg.apis
import numpy as np
import pytest

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.checkpoints.safe_load import allow_mmengine_globals


@pytest.fixture
def image_file(tmp_path):
    path = tmp_path / 'x.png'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))
    return str(path)


@pytest.fixture
def expected(checkpoint_file, image_file):
    (prediction,) = OneFormerInferencer(weights=checkpoint_file, device='cpu')(image_file)['predictions']
    return prediction['semantic']['label_map']


@pytest.fixture
def model(config_file, checkpoint_file):
    allow_mmengine_globals()
    return mmseg.apis.init_model(config_file, str(checkpoint_file), device='cpu')


@pytest.mark.parametrize('as_array', [False, True])
def test_inference_model(model, image_file, expected, as_array):
    result = mmseg.apis.inference_model(model, cv2.imread(image_file) if as_array else image_file)
    np.testing.assert_array_equal(result.pred_sem_seg.data[0], expected)
    assert result.pred_panoptic_seg.sem_seg.shape == (1, 40, 60)


def test_inference_model_of_a_list(model, image_file, expected):
    results = mmseg.apis.inference_model(model, [image_file, image_file])
    for result in results:
        np.testing.assert_array_equal(result.pred_sem_seg.data[0], expected)


def test_show_result_pyplot(model, image_file, expected, tmp_path):
    """At full opacity and without names, the picture is the palette's colors."""
    result = mmseg.apis.inference_model(model, image_file)
    options = dict(opacity=1.0, with_labels=False, show=False, out_file=str(tmp_path / 'out.png'))
    picture = mmseg.apis.show_result_pyplot(model, image_file, result, **options)
    palette = np.array(model.dataset_meta['palette'])
    np.testing.assert_array_equal(picture, palette[expected])
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'out.png'))[..., ::-1], picture)


def test_mmseg_inferencer_with_our_visualizer(config, checkpoint_file, image_file):
    config.visualizer = dict(type='OneFormerVisualizer')
    allow_mmengine_globals()
    inferencer = mmseg.apis.MMSegInferencer(config, str(checkpoint_file), device='cpu', scope='mmoneformer')
    sheet = inferencer(image_file, return_vis=True)['visualization']
    assert sheet.shape[1] > 2000, 'the image and the three results'


def test_mmseg_inferencer(config_file, checkpoint_file, image_file, expected):
    metainfo = OneFormerInferencer(weights=checkpoint_file, device='cpu').model.dataset_meta
    allow_mmengine_globals()
    inferencer = mmseg.apis.MMSegInferencer(
        str(config_file),
        str(checkpoint_file),
        classes=list(metainfo['classes']),
        palette=[list(color) for color in metainfo['palette']],
        device='cpu',
        scope='mmoneformer',
    )
    results = inferencer(image_file, return_vis=True, opacity=1.0, with_labels=False)
    np.testing.assert_array_equal(results['predictions'], expected)
    np.testing.assert_array_equal(results['visualization'], np.array(metainfo['palette'])[expected])
