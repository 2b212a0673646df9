import json
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from PIL import Image

from mmoneformer.apis import OneFormerInferencer
from mmoneformer.registry import MODELS, TRANSFORMS


def picture(height, width):
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), np.uint8)


def sizes(predictions):
    return [prediction['semantic']['label_map'].shape for prediction in predictions]


def test_results_are_those_of_the_model(inferencer, trained):
    """The image prepared by hand, at twice its size and padded, through the model that was saved."""
    image = picture(32, 48)
    model = trained[0]
    resized = torch.from_numpy(cv2.resize(image, (96, 64), interpolation=cv2.INTER_LINEAR)).permute(2, 0, 1)
    sample = DetDataSample(metainfo={'img_shape': (64, 96), 'ori_shape': (32, 48)})
    with torch.no_grad():
        expected = model.test_step({'inputs': [resized], 'data_samples': [sample]})[0]
    result = inferencer(image)['predictions'][0]
    np.testing.assert_array_equal(result['semantic']['label_map'], expected.pred_sem_seg.sem_seg[0])
    np.testing.assert_allclose(result['instance']['scores'], expected.pred_instances.scores, atol=1e-6)
    assert sum(s['area'] for s in result['panoptic']['segments']) == (expected.pred_panoptic_seg.sem_seg != 4).sum()


@pytest.mark.parametrize('batch_size', [1, 2, 5])
def test_batches_of_mixed_sizes_in_order(inferencer, images, batch_size):
    predictions = inferencer([images / 'a', images / 'b'], batch_size=batch_size)['predictions']
    assert sizes(predictions) == [(40, 60), (64, 48), (50, 50)]


def test_paths_and_arrays_alike(inferencer, images):
    path = images / 'a/one.png'
    predictions = inferencer([str(path), cv2.imread(str(path))])['predictions']
    np.testing.assert_array_equal(*(p['panoptic']['id_map'] for p in predictions))


def test_rgb_arrays_and_images_of_pillow_alike(inferencer, tmp_path):
    def scores(*images, **options):
        return [
            found['instance']['scores'] for found in inferencer(images, tasks=['instance'], **options)['predictions']
        ]

    bgr = picture(40, 60)
    rgb = bgr[..., ::-1]
    expected, swapped = scores(bgr, rgb)
    assert expected != swapped
    assert scores(rgb, Image.fromarray(rgb), channels='rgb') == [expected, expected]
    for found in inferencer.stream([rgb, Image.fromarray(rgb)], channels='rgb'):
        np.testing.assert_array_equal(found.in_rgb(), rgb)
    inferencer.save([bgr, Image.fromarray(rgb)], tmp_path, formats=['json'])
    inferencer.save(rgb, tmp_path / 'rgb', formats=['json'], channels='rgb')
    one, *others = (
        json.loads((tmp_path / name).read_text())['instances']
        for name in ('000000.json', '000001.json', 'rgb/000000.json')
    )
    assert others == [one, one]
    with pytest.raises(ValueError, match="channels must be 'bgr' or 'rgb', the order in arrays, got 'RGB'"):
        inferencer(rgb, channels='RGB')


@pytest.mark.parametrize('tile', [None, 32])
def test_another_model_takes_the_place_of_the_first(weights, tile):
    inferencer = OneFormerInferencer(weights=weights, device='cpu')
    inferencer.model = deepcopy(inferencer.model)
    inferencer.model.panoptic_head.prediction.classify.bias.data[0] += 1000  # every query is sure of the first class
    (results,) = inferencer(picture(40, 60), tasks=['semantic'], tile=tile)['predictions']
    assert set(results['semantic']['label_map'].flat) == {0}


def test_tasks_of_a_call_hold_for_that_call(inferencer):
    image = picture(40, 60)
    assert list(inferencer(image, tasks=['semantic'])['predictions'][0]) == ['semantic']
    assert list(inferencer(image)['predictions'][0]) == ['panoptic', 'instance', 'semantic']


def test_data_samples(inferencer):
    (sample,) = inferencer(picture(40, 60), tasks=['panoptic'], return_datasamples=True)['predictions']
    assert sample.pred_panoptic_seg.sem_seg.shape == (1, 40, 60)
    assert sample.task_tokens == {'panoptic': 'panoptic'}


def test_a_config_of_ones_own(config, weights):
    config.test_pipeline[1].scale = (48, 32)
    inferencer = OneFormerInferencer(config, weights, device='cpu')
    (sample,) = inferencer(picture(64, 96), return_datasamples=True)['predictions']
    assert sample.img_shape == (32, 48)


def test_names_the_picture_that_cannot_be_read(inferencer, a_broken_one):
    with pytest.raises(ValueError, match=r'half\.png is not a readable image'):
        inferencer(a_broken_one)


@pytest.mark.parametrize('batch_size', [1, 2])
def test_skips_what_cannot_be_read(inferencer, a_broken_one, batch_size):
    sources = [a_broken_one, 'gone.png', picture(30, 40)]
    result = inferencer(sources, batch_size=batch_size, on_error='skip')
    assert sizes(result['predictions']) == [(40, 60), (64, 48), (30, 40)]
    assert [(failure.number, Path(failure.name).name) for failure in result['failures']] == [
        (0, 'half.png'),
        (3, 'gone.png'),
    ]
    assert 'half.png is not a readable image' in result['failures'][0].reason


def test_results_do_not_depend_on_the_batch(inferencer):
    images = [picture(40, 60), picture(40, 200), picture(90, 30)]
    together = inferencer(images, batch_size=3)['predictions']
    for result, image in zip(together, images, strict=True):
        alone = inferencer(image)['predictions'][0]
        np.testing.assert_array_equal(result['semantic']['label_map'], alone['semantic']['label_map'])
        np.testing.assert_array_equal(result['panoptic']['id_map'], alone['panoptic']['id_map'])
        np.testing.assert_allclose(result['instance']['scores'], alone['instance']['scores'], atol=1e-6)


def test_streams_images_as_they_are_asked_for(inferencer):
    made = []

    def endless():
        while True:
            made.append(picture(40, 60))
            yield made[-1]

    stream = inferencer.stream(endless(), tasks=['panoptic'], batch_size=2)
    first, second, third = next(stream), next(stream), next(stream)
    assert [first.number, second.number, third.number] == [0, 1, 2]
    assert len(made) == 4
    np.testing.assert_array_equal(first.image, made[0])
    assert first.sample.pred_panoptic_seg.sem_seg.shape == (1, 40, 60)


def test_streams_with_different_tasks_do_not_disturb_each_other(inferencer):
    images = [picture(40, 60)] * 2
    streams = [inferencer.stream(images, tasks=[task]) for task in ('panoptic', 'semantic')]
    for _ in images:
        panoptic, semantic = (next(stream).sample for stream in streams)
        assert list(panoptic.task_tokens) == ['panoptic']
        assert list(semantic.task_tokens) == ['semantic']


def test_frames_of_a_film_have_ids_that_stay(inferencer, tmp_path):
    """The same image again, in batches or not; the files have the ids."""
    frames = [picture(40, 60)] * 3
    found = inferencer(frames, tasks=['panoptic'], batch_size=2, track=True, out_dir=tmp_path)['predictions']
    first, *others = ([segment['id'] for segment in frame['panoptic']['segments']] for frame in found)
    assert others == [first, first]
    things = [segment['id'] for segment in found[0]['panoptic']['segments'] if segment['is_thing']]
    assert min(things) > 4
    for path in tmp_path.glob('0*.json'):
        assert [entry['id'] for entry in json.loads(path.read_text())['panoptic']['segments_info']] == first
    again = inferencer(frames[0], tasks=['panoptic'])['predictions'][0]['panoptic']
    assert [segment['id'] for segment in again['segments']] == list(range(1, len(first) + 1))
    numbers = np.array([0, *first])[again['id_map']]
    np.testing.assert_array_equal(numbers, found[0]['panoptic']['id_map'])


def test_threads_with_different_tasks_get_what_each_asked(weights):
    """And the results that each task has alone; the model stays as it is."""
    inferencer = OneFormerInferencer(weights=weights)
    settings, images = inferencer.model.test_cfg, [picture(40, 60), picture(48, 32), picture(30, 30)] * 3
    tasks = ('panoptic', 'instance', 'semantic')
    alone = {task: inferencer(images, tasks=[task])['predictions'] for task in tasks}
    with ThreadPoolExecutor(len(tasks)) as pool:
        together = pool.map(lambda task: inferencer(images, tasks=[task])['predictions'], tasks)
        for task, predictions in zip(tasks, together, strict=True):
            for prediction, expected in zip(predictions, alone[task], strict=True):
                assert list(prediction) == [task]
                np.testing.assert_equal(prediction, expected)
    assert inferencer.model.test_cfg is settings


def test_segments_have_scores(inferencer):
    """As sure as the model is of the class of a segment's query, at most."""
    segments = inferencer(picture(40, 60))['predictions'][0]['panoptic']['segments']
    assert segments
    for segment in segments:
        assert 1 / 5 <= segment['score'] <= 1, 'the surest of five classes'


@pytest.mark.parametrize('precision', ['bfloat16', 'float16'])
def test_lower_precision_gives_nearly_the_same(inferencer, weights, precision):
    image = picture(40, 60)
    lower = OneFormerInferencer(weights=weights, precision=precision, device='cpu')(image)['predictions'][0]
    expected = inferencer(image)['predictions'][0]
    np.testing.assert_allclose(lower['instance']['scores'], expected['instance']['scores'], atol=0.02)
    assert lower['instance']['scores'] != expected['instance']['scores']


def test_a_precision_without_instructions_is_said(weights, monkeypatch):
    monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda: {'avx512_bf16': False}, raising=False)
    logged = []
    monkeypatch.setattr('mmoneformer.apis.device.print_log', lambda message, **_: logged.append(message))
    OneFormerInferencer(weights=weights, precision='bfloat16', device='cpu')
    assert 'no instructions for bfloat16' in logged[0]


@pytest.mark.parametrize('arguments', [{'tasks': ['depth']}, {'batch_size': 0}, {'on_error': 'ignore'}])
def test_refuses_senseless_arguments(inferencer, arguments):
    (value,) = arguments.values()
    with pytest.raises(ValueError, match=str(value).strip('[]')):
        inferencer(picture(40, 60), **arguments)


@pytest.mark.parametrize('steps', [[], [{'type': 'PackOneFormerInputs'}]])
def test_needs_a_test_pipeline(config, weights, steps):
    config.test_pipeline = steps
    with pytest.raises(ValueError, match='needs a test_pipeline that starts with LoadImageFromFile'):
        OneFormerInferencer(config, weights)


def test_the_pipeline_of_a_checkpoint_is_not_trusted(trained, tmp_path):
    trace = Path(tmp_path / 'was_here')
    text = trained[1]['meta']['cfg'].replace("type='LoadPanopticMap'", f"type='os.mkdir', path={str(trace)!r}")
    torch.save(trained[1] | {'meta': {'cfg': text}}, tmp_path / 'x.pth')
    with pytest.raises(ValueError, match=r"contains type 'os\.mkdir'"):
        OneFormerInferencer(weights=tmp_path / 'x.pth')
    assert not trace.exists()


def by_path(part):
    """A config with import paths for names, as Python-style configs are stored."""
    if isinstance(part, list):
        return [by_path(entry) for entry in part]
    if not isinstance(part, dict):
        return part
    values = {key: value if key == 'init_cfg' else by_path(value) for key, value in part.items()}
    if 'type' in part:
        found = next(filter(None, (registry.get(part['type']) for registry in (MODELS, TRANSFORMS))))
        values['type'] = f'{found.__module__}.{found.__name__}'
    return values


def test_a_stored_config_may_have_classes(trained, tmp_path):
    stored = Config.fromstring(trained[1]['meta']['cfg'], '.py')
    parts = {
        key: by_path(stored[key].to_dict() if key == 'model' else stored[key]) for key in ('model', 'test_pipeline')
    }
    assert parts['model']['type'] == 'mmoneformer.models.oneformer.OneFormer'
    meta = trained[1]['meta'] | {'cfg': Config(parts).pretty_text}
    torch.save(trained[1] | {'meta': meta}, tmp_path / 'x.pth')
    result = OneFormerInferencer(weights=tmp_path / 'x.pth', device='cpu')(picture(40, 60))['predictions'][0]
    assert result['panoptic']['id_map'].shape == (40, 60)


@pytest.mark.parametrize('tile', [96, 'auto'])
def test_one_tile_is_the_whole_image(inferencer, tile):
    """Bit for bit, but for the type of the ids."""
    image = picture(64, 96)
    (found,) = inferencer(image, tile=tile)['predictions']
    (expected,) = inferencer(image)['predictions']
    assert found['panoptic']['id_map'].dtype == np.uint32
    expected['panoptic']['id_map'] = expected['panoptic']['id_map'].astype(np.uint32)
    np.testing.assert_equal(found, expected)


@pytest.mark.parametrize('arguments', [{'overlap': 8}, {'tile': 32, 'track': True}, {'tile': 32, 'overlap': 17}])
def test_refuses_tiles_that_do_not_fit(inferencer, arguments):
    with pytest.raises(ValueError, match='tile'):
        inferencer(picture(40, 60), **arguments)
