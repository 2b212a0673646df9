import copy
import shutil

import pytest
import torch
from mmengine.config import Config

from mmoneformer.apis import init_model


def logits(model):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(1, 3, 64, 96, generator=generator)
    with torch.no_grad():
        return model(inputs, mode='tensor', tasks=['instance'])['instance']


@pytest.fixture
def save(trained, tmp_path):
    """Save the tiny checkpoint after a change."""

    def save(change):
        checkpoint = copy.deepcopy(trained[1])
        change(checkpoint)
        torch.save(checkpoint, tmp_path / 'changed.pth')
        return tmp_path / 'changed.pth'

    return save


@pytest.mark.parametrize('form', ['none', 'file', 'text', 'config'])
def test_computes_what_the_saved_model_does(trained, checkpoint_file, config_file, form):
    config = {
        'none': None,
        'file': config_file,
        'text': str(config_file),
        'config': Config.fromfile(config_file),
    }[form]
    model = init_model(config, checkpoint_file, device='cpu')
    assert not model.training
    assert not model.backbone.training
    assert model.cfg.model.panoptic_head.num_queries == 6
    assert model.dataset_meta['classes'] == ('sky', 'cat', 'road', 'car')
    for ours, expected in zip(logits(model), logits(trained[0]), strict=True):
        torch.testing.assert_close(ours, expected)


def test_options_change_a_copy_of_the_config(checkpoint_file, config):
    before = config.pretty_text
    model = init_model(config, checkpoint_file, cfg_options={'model.test_cfg.overlap_thr': 0.25}, device='cpu')
    assert model.test_cfg.overlap_thr == 0.25
    assert model.cfg.model.test_cfg.overlap_thr == 0.25
    assert config.pretty_text == before


def test_random_weights_with_a_warning(config):
    with pytest.warns(UserWarning, match='the weights are random'):
        model = init_model(config, device='cpu')
    assert logits(model)[0].shape == (1, 6, 5)


def test_needs_a_config():
    with pytest.raises(ValueError, match='needs a config, a checkpoint that contains one'):
        init_model()


def test_checkpoint_without_config(save):
    path = save(lambda checkpoint: checkpoint['meta'].pop('cfg'))
    with pytest.raises(ValueError, match=r'changed\.pth contains no config .*: pass the one it was trained with'):
        init_model(checkpoint=path)


def test_checkpoint_without_meta(save, config, trained):
    path = save(lambda checkpoint: checkpoint.pop('meta'))
    model = init_model(config, path, device='cpu')
    torch.testing.assert_close(logits(model)[0], logits(trained[0])[0])


def test_config_of_a_checkpoint_cannot_run_code(save, tmp_path):
    trace = tmp_path / 'was_here'

    def attack(checkpoint):
        checkpoint['meta']['cfg'] += f'\nopen({str(trace)!r}, "w")\n'

    with pytest.raises(ValueError, match='is not a plain value'):
        init_model(checkpoint=save(attack))
    assert not trace.exists()


def test_config_of_a_checkpoint_builds_registered_parts_only(save, tmp_path):
    trace = tmp_path / 'was_here'

    def attack(checkpoint):
        checkpoint['meta']['cfg'] = f"model = dict(type='os.mkdir', path={str(trace)!r})"

    with pytest.raises(ValueError, match=r"contains type 'os\.mkdir', which is not registered"):
        init_model(checkpoint=save(attack))
    assert not trace.exists()


def test_weights_of_another_model(save):
    def change(checkpoint):
        weights = checkpoint['state_dict']
        weights['panoptic_head.extra'] = torch.zeros(2, 3)
        del weights['backbone.bn1.weight']
        weights['panoptic_head.query_embed'] = torch.zeros(7, 32)

    with pytest.raises(ValueError, match='does not fit the model') as error:
        init_model(checkpoint=save(change))
    assert 'missing: backbone.bn1.weight [8]' in str(error.value)
    assert 'unexpected: panoptic_head.extra [2, 3]' in str(error.value)
    assert 'shape: panoptic_head.query_embed is [7, 32], the model has [6, 32]' in str(error.value)


def test_weights_of_another_code(save):
    def change(checkpoint):
        checkpoint['model'] = checkpoint.pop('state_dict')

    with pytest.raises(ValueError, match=r"no 'state_dict', only meta, model: .*'mmoneformer convert'"):
        init_model(checkpoint=save(change))


@pytest.mark.parametrize(
    ('key', 'value', 'message'),
    [
        ('classes', ('sky', 'dog', 'road', 'car'), "class 1 is 'dog' and in the config 'cat'"),
        ('classes', ('cat', 'sky', 'road', 'car'), "class 0 is 'cat' and in the config 'sky'; class 1 is 'sky'"),
        ('classes', ('sky', 'cat', 'road'), 'there are 3 classes and in the config 4'),
        ('thing_ids', (1,), r"class 3 \('car'\) is a stuff class, not in the config"),
        ('thing_ids', [1, 2, 3], r"class 2 \('road'\) is a thing class, not in the config"),
    ],
)
def test_other_classes(save, key, value, message):
    with pytest.raises(ValueError, match=f"the checkpoint's classes are not those of the config: {message}"):
        init_model(checkpoint=save(lambda checkpoint: checkpoint['meta']['dataset_meta'].update({key: value})))


def test_classes_that_were_stored_as_lists(save):
    path = save(
        lambda c: c['meta'].update(dataset_meta={'classes': ['sky', 'cat', 'road', 'car'], 'thing_ids': [3, 1]})
    )
    assert init_model(checkpoint=path, device='cpu').dataset_meta['thing_ids'] == (1, 3)


def test_data_set_whose_module_is_not_imported(save):
    def name_the_classes(checkpoint):
        cfg = Config.fromstring(checkpoint['meta']['cfg'], '.py')
        cfg.model.metainfo = 'pets'
        checkpoint['meta']['cfg'] = cfg.pretty_text

    model = init_model(checkpoint=save(name_the_classes), device='cpu')
    assert model.dataset_meta['classes'] == ('sky', 'cat', 'road', 'car')
    assert model.dataset_meta['thing_ids'] == (1, 3)


def test_needs_nothing_else_at_hand(checkpoint_file, tmp_path, monkeypatch):
    elsewhere = tmp_path / 'elsewhere'
    elsewhere.mkdir()
    shutil.copy(checkpoint_file, elsewhere / 'x.pth')
    monkeypatch.chdir(elsewhere)
    assert init_model(checkpoint='x.pth', device='cpu').cfg.default_scope == 'mmoneformer'


def test_no_such_device(config):
    with pytest.raises(ValueError, match="device is 'cuda:99', but torch .* finds .* CUDA device"):
        init_model(config, device='cuda:99')
