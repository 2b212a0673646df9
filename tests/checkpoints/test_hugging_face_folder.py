import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from mmoneformer.checkpoints.architecture import read_architecture
from mmoneformer.checkpoints.hugging_face_folder import read_folder, write_folder
from mmoneformer.checkpoints.official import from_official
from mmoneformer.metainfo import resolve_metainfo

transformers = pytest.importorskip('transformers')


@pytest.fixture
def weights(official_weights):
    return from_official(official_weights('convnext_small'))


@pytest.fixture
def folder(weights, tmp_path):
    write(tmp_path / 'folder', weights)
    return tmp_path / 'folder'


def write(folder, weights):
    preprocessor = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
    model = read_architecture(weights) | dict(data_preprocessor=preprocessor)
    write_folder(
        folder, weights, model=model, metainfo=resolve_metainfo('cityscapes'), scale=(200, 100), card='# a card'
    )


def check(folder, weights):
    found, info = read_folder(folder)
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[key], weights[key]) for key in weights)
    assert info.scale == (200, 100)
    assert info.metainfo == resolve_metainfo('cityscapes')


def test_read_what_was_written(folder, weights):
    check(folder, weights)
    assert [path.name for path in folder.parent.iterdir()] == ['folder']


def test_pytorch_file(folder, weights):
    torch.save(load_file(folder / 'model.safetensors'), folder / 'pytorch_model.bin')
    (folder / 'model.safetensors').unlink()
    check(folder, weights)


def test_several_files(folder, weights):
    tensors = load_file(folder / 'model.safetensors')
    (folder / 'model.safetensors').unlink()
    names = {key: f'model-0000{index % 2 + 1}-of-00002.safetensors' for index, key in enumerate(tensors)}
    for name in set(names.values()):
        save_file({key: tensors[key] for key in tensors if names[key] == name}, folder / name)
    (folder / 'model.safetensors.index.json').write_text(json.dumps({'weight_map': names}))
    check(folder, weights)


def test_their_processor_loads_it(folder):
    processor = transformers.OneFormerProcessor.from_pretrained(folder)
    assert processor.image_processor.metadata['thing_ids'] == list(range(11, 19))
    image = torch.full((3, 50, 75), 255, dtype=torch.uint8).numpy()
    found = processor(image, ['panoptic'], return_tensors='pt')
    assert found['pixel_values'].shape == (1, 3, 100, 150)
    expected = (255 - torch.tensor([123.675, 116.28, 103.53])) / torch.tensor([58.395, 57.12, 57.375])
    torch.testing.assert_close(found['pixel_values'][0, :, 4, 7], expected, atol=1e-3, rtol=0)
    assert found['task_inputs'][0, :8].tolist() == [49406, 518, 10549, 533, 1072, 24755, 49407, 0]


def test_their_processor_loads_it_from_elsewhere(folder, tmp_path):
    moved = folder.rename(tmp_path / 'moved')
    processor = transformers.OneFormerProcessor.from_pretrained(moved, repo_path=str(moved))
    assert processor.image_processor.metadata['class_names'][0] == 'road'


def test_existing_folder_stays(folder, weights):
    before = (folder / 'config.json').stat()
    with pytest.raises(FileExistsError, match='exists: remove it or choose another name'):
        write(folder, weights)
    assert (folder / 'config.json').stat() == before


def test_failure_leaves_nothing(weights, tmp_path):
    weights['panoptic_head.unknown'] = torch.zeros(1)
    with pytest.raises(ValueError, match='unknown key'):
        write(tmp_path / 'folder', weights)
    assert list(tmp_path.iterdir()) == []


def test_other_folders(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match='has no config.json'):
        read_folder(tmp_path)
    (folder / 'model.safetensors').write_bytes(b'\0' * 20)
    with pytest.raises(ValueError, match=r'model\.safetensors is damaged'):
        read_folder(folder)
    (folder / 'model.safetensors').unlink()
    with pytest.raises(FileNotFoundError, match='has no weights: neither model'):
        read_folder(folder)
    (folder / 'config.json').write_text('{"model_type": "mask2former"}')
    with pytest.raises(ValueError, match="a model of type 'mask2former', not oneformer"):
        read_folder(folder)


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('config.json', '{', 'config.json is not valid JSON'),
        ('config.json', '[]', r'config.json must have an object, got \[\]'),
        (
            'config.json',
            '{"model_type": "oneformer"}',
            "config.json, .* is not as transformers .*KeyError: 'backbone_config'",
        ),
        ('config.json', '{"model_type": "oneformer", "backbone_config": {}, "id2label": [1]}', 'not as transformers'),
        ('preprocessor_config.json', '3', 'preprocessor_config.json must have an object'),
        ('model.safetensors.index.json', '{}', 'model.safetensors.index.json has no weight_map'),
        (
            'model.safetensors.index.json',
            '{"weight_map": {"a": "x.safetensors"}}',
            'x.safetensors, which the index names',
        ),
        ('model.safetensors', 'text', 'model.safetensors is damaged'),
    ],
)
def test_files_with_something_else(tmp_path, name, content, message):
    (tmp_path / 'config.json').write_text('{"model_type": "oneformer", "backbone_config": {}}', encoding='utf-8-sig')
    (tmp_path / name).write_text(content)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        read_folder(tmp_path)
