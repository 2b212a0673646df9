import pytest

from mmoneformer.data_check.tolerant_dataset import open_dataset, remarks_of
from mmoneformer.errors import AnnotationError, EmptyDatasetError
from mmoneformer.registry import DATASETS


@pytest.fixture
def dataset_config(config):
    return config.train_dataloader.dataset


def test_samples_are_those_of_the_strict_data_set(dataset_config):
    strict, tolerant = DATASETS.build(dataset_config), open_dataset(dataset_config)
    assert [tolerant.get_data_info(i) for i in range(12)] == [strict.get_data_info(i) for i in range(12)]


def test_keeps_a_sample_whose_image_is_missing(dataset_config, folder):
    (folder / 'train/000002.jpg').unlink()
    with pytest.raises(FileNotFoundError):
        DATASETS.build(dataset_config)
    assert len(open_dataset(dataset_config)) == 12


def test_an_inconsistent_annotation_becomes_the_error_of_its_sample(dataset_config, edit_json):
    def twice(content):
        first, second = content['annotations'][4]['segments_info'][:2]
        second['id'] = first['id']

    edit_json(twice)
    dataset = open_dataset(dataset_config)
    errors = [sample['error'] for sample in map(dataset.get_data_info, range(12)) if 'error' in sample]
    (error,) = errors
    assert isinstance(error, AnnotationError)
    assert '000005.png' in str(error)
    assert 'is repeated' in str(error)


def test_opens_where_every_sample_has_an_error(dataset_config, edit_json):
    edit_json(lambda content: [a['segments_info'][0].update(category_id=99) for a in content['annotations']])
    assert len(open_dataset(dataset_config)) == 12


def test_every_image_of_several_sources_is_there_once(dataset_config):
    sources = [{key: value for key, value in dataset_config.items() if key != 'pipeline'}] * 2
    merged = dict(
        type='MultiSourceDataset', metainfo=dataset_config.metainfo, sources=sources, shares=[1, 3], pipeline=[]
    )
    assert len(DATASETS.build(merged)) == 48
    assert len(open_dataset(merged)) == 24


def test_wrappers_are_refused(dataset_config):
    wrapped = dict(type='ConcatDataset', datasets=[dataset_config])
    with pytest.raises(TypeError, match='sources of a MultiSourceDataset'):
        open_dataset(wrapped)


def test_an_empty_data_set_is_refused(dataset_config, edit_json):
    edit_json(lambda content: content.update(images=[], annotations=[]))
    dataset_config.pop('filter_cfg')
    with pytest.raises(EmptyDatasetError, match='TolerantPanopticDataset of .* has no image'):
        open_dataset(dataset_config)


def test_sources_with_missing_files_and_remarks(dataset_config, folder):
    (folder / 'train/000002.jpg').unlink()
    (folder / 'train/more.png').touch()
    maps = dict(
        type='mmseg.BaseSegDataset',
        data_root=str(folder),
        data_prefix=dict(img_path='train', seg_map_path='semantic_train'),
        reduce_zero_label=True,
        metainfo=dict(classes=dataset_config.metainfo.classes),
    )
    merged = dict(type='MultiSourceDataset', metainfo=dataset_config.metainfo, sources=[maps], pipeline=[])
    dataset = open_dataset(merged)
    assert len(dataset) == 11
    (remark,) = remarks_of(dataset)
    assert remark.title.startswith('1 pictures of ')
    assert remarks_of(open_dataset(dataset_config)) == []
