import hashlib
import pickle

import pytest
import torch

from mmoneformer.apis import init_model
from mmoneformer.checkpoints.conversion import convert, load_any
from mmoneformer.checkpoints.safe_load import read_checkpoint

SMALL = 'convnext_small'


@pytest.fixture
def official(official_weights, tmp_path):
    torch.save({'model': official_weights(SMALL), 'iteration': 7}, tmp_path / 'official.pth')
    return tmp_path / 'official.pth'


def weights_of(path):
    return read_checkpoint(path)['state_dict']


def check_same(found, expected):
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_official_ours_theirs_ours(official, tmp_path):
    ours = convert(official, tmp_path / 'ours.pth')
    theirs = convert(ours, tmp_path / 'theirs')
    back = convert(theirs, tmp_path / 'back.pth')
    check_same(weights_of(back), weights_of(ours))
    assert read_checkpoint(back)['meta'] == read_checkpoint(ours)['meta']
    model = init_model(checkpoint=back, device='cpu')
    assert model.dataset_meta['classes'][13] == 'car'
    assert model.cfg.test_pipeline[1].scale == (2048, 1024)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['back.pth', 'official.pth', 'ours.pth', 'theirs']


def test_classes_of_ones_own(official, tmp_path):
    names = tuple(f'class {index}' for index in range(19))
    metainfo = dict(classes=names, thing_ids=(2, 5), palette=[(index, 0, 255) for index in range(19)])
    convert(official, tmp_path / 'ours.pth', cfg_options={'model.metainfo': dict(_delete_=True, **metainfo)})
    convert(tmp_path / 'ours.pth', tmp_path / 'theirs')
    back = convert(tmp_path / 'theirs', tmp_path / 'back.pth')
    assert init_model(checkpoint=back, device='cpu').dataset_meta == metainfo


def test_given_classes(official, tmp_path):
    names = [f'class {index}' for index in range(19)]
    path = convert(official, tmp_path / 'ours.pth', classes=names, things=['class 3', 5])
    assert read_checkpoint(path)['meta']['dataset_meta']['classes'] == tuple(names)
    assert read_checkpoint(path)['meta']['dataset_meta']['thing_ids'] == (3, 5)
    with pytest.raises(ValueError, match='which contains its classes: leave out classes='):
        convert(path, tmp_path / 'again.pth', classes=names)
    with pytest.raises(ValueError, match='either the name of a data set, or its classes'):
        convert(official, tmp_path / 'again.pth', classes=names, dataset='coco')


def test_arrays_and_prefixes(official, official_weights, tmp_path):
    wrapped = {f'module.{key}': tensor.numpy() for key, tensor in official_weights(SMALL).items()}
    torch.save({'model': wrapped}, tmp_path / 'wrapped.pth')
    check_same(load_any(tmp_path / 'wrapped.pth')[0], load_any(official)[0])


def test_swin_makes_its_constants(official_weights, tmp_path):
    """Hugging Face's files lack the index of the position biases; the model computes it."""
    torch.save({'model': official_weights('swin_small')}, tmp_path / 'official.pth')
    ours = weights_of(convert(tmp_path / 'official.pth', tmp_path / 'ours.pth'))
    convert(tmp_path / 'official.pth', tmp_path / 'theirs')
    check_same(weights_of(convert(tmp_path / 'theirs', tmp_path / 'back.pth')), ours)


def test_detectron2_pickle(official, official_weights, tmp_path):
    arrays = {key: tensor.numpy() for key, tensor in official_weights(SMALL).items()}
    (tmp_path / 'official.pkl').write_bytes(pickle.dumps({'model': arrays, '__author__': 'third party'}))
    check_same(load_any(tmp_path / 'official.pkl')[0], load_any(official)[0])


def test_options_and_data_set(official, tmp_path):
    with pytest.raises(ValueError, match='19 classes, coco has 133'):
        convert(official, tmp_path / 'ours.pth', dataset='coco')
    path = convert(official, tmp_path / 'ours.pth', cfg_options={'model.test_cfg.overlap_thr': 0.25})
    assert init_model(checkpoint=path, device='cpu').test_cfg.overlap_thr == 0.25


def test_publish(official, tmp_path):
    whole = convert(official, tmp_path / 'ours.pth')
    path = convert(whole, tmp_path / 'published.pth', publish=True)
    assert path.name == f'published-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth'
    assert path.stat().st_size < 0.6 * whole.stat().st_size
    published, weights = weights_of(path), weights_of(whole)
    assert published.keys() == weights.keys()
    for key, tensor in weights.items():
        torch.testing.assert_close(published[key].to(tensor.dtype), tensor, rtol=1e-3, atol=1e-7)
    assert init_model(checkpoint=path, device='cpu').panoptic_head.query_embed.dtype == torch.float32
    card = path.with_suffix('.md').read_text()
    assert card.startswith(f'# {path.name}\n')
    assert hashlib.sha256(path.read_bytes()).hexdigest() in card


def test_metrics_are_passed_on(official, tmp_path):
    ours = convert(official, tmp_path / 'ours.pth')
    checkpoint = read_checkpoint(ours)
    checkpoint['meta']['metrics'] = {'PQ': 51.25}
    torch.save(checkpoint, ours)
    path = convert(ours, tmp_path / 'published.pth', publish=True)
    assert read_checkpoint(path)['meta']['metrics'] == {'PQ': 51.25}
    assert '| PQ | 51.25 |' in path.with_suffix('.md').read_text()
    assert '| PQ | 51.25 |' in (convert(path, tmp_path / 'theirs') / 'README.md').read_text()


def test_values_that_half_precision_cannot_hold(official_weights, tmp_path):
    weights = official_weights(SMALL)
    weights['task_mlp.layers.0.bias'][3] = 70000.0
    torch.save({'model': weights}, tmp_path / 'official.pth')
    with pytest.raises(ValueError, match=r'task_token\.mlp\.layers\.0\.bias has values .* up to 70000'):
        convert(tmp_path / 'official.pth', tmp_path / 'ours.pth', publish=True)
    assert [path.name for path in tmp_path.iterdir()] == ['official.pth']


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda weights: weights.pop('task_mlp.layers.0.bias'), r'missing: panoptic_head\.task_token\.mlp\.layers\.0'),
        (lambda weights: weights.update({'task_mlp.layers.2.bias': torch.zeros(2)}), r'unexpected: .*layers\.2\.bias'),
        (lambda weights: weights.update({'sem_seg_head.x': torch.zeros(2)}), r"unknown key 'sem_seg_head\.x'"),
        (lambda weights: weights.update({'task_mlp.layers.0.bias': torch.zeros(2)}), r'layers\.0\.bias is \[2\]'),
    ],
)
def test_strict(change, message, official_weights, tmp_path):
    weights = official_weights(SMALL)
    change(weights)
    torch.save({'model': weights}, tmp_path / 'official.pth')
    with pytest.raises(ValueError, match=message):
        convert(tmp_path / 'official.pth', tmp_path / 'ours.pth')
    assert [path.name for path in tmp_path.iterdir()] == ['official.pth']


def test_without_what_only_training_needs(official_weights, tmp_path):
    weights = official_weights(SMALL)
    training = ('text_encoder', 'text_projector', 'prompt_ctx', 'criterion')
    weights = {key: tensor for key, tensor in weights.items() if not key.startswith(training)}
    torch.save({'model': weights}, tmp_path / 'official.pth')
    model = init_model(checkpoint=convert(tmp_path / 'official.pth', tmp_path / 'ours.pth'), device='cpu')
    assert model.panoptic_head.text_mapper is None
    theirs = convert(tmp_path / 'ours.pth', tmp_path / 'theirs')
    check_same(load_any(theirs)[0], weights_of(tmp_path / 'ours.pth'))


def test_own_checkpoint_needs_its_config(official, tmp_path):
    checkpoint = read_checkpoint(convert(official, tmp_path / 'ours.pth'))
    with pytest.raises(ValueError, match="which contains its classes: leave out dataset='coco'"):
        convert(tmp_path / 'ours.pth', tmp_path / 'theirs', dataset='coco')
    del checkpoint['meta']['cfg']
    torch.save(checkpoint, tmp_path / 'ours.pth')
    with pytest.raises(ValueError, match=r'contains no config \(meta\.cfg\)'):
        convert(tmp_path / 'ours.pth', tmp_path / 'theirs')


def test_publish_is_not_for_folders(official, tmp_path):
    with pytest.raises(ValueError, match='publish is for checkpoints of ours'):
        convert(official, tmp_path / 'theirs', publish=True)


def test_missing_source(tmp_path):
    with pytest.raises(FileNotFoundError):
        convert(tmp_path / 'official.pth', tmp_path / 'ours.pth')
