import os

import pytest
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.fileio import LocalBackend, register_backend

from mmoneformer.datasets.panoptic_dataset import PanopticSegDataset

METAINFO = {'classes': ('road', 'dog', 'cat', 'car'), 'thing_ids': (1, 2, 3)}


def test_sample_has_what_the_json_says(make, tmp_path):
    dataset = make()
    assert len(dataset) == 3
    assert dataset.get_data_info(0) == {
        'img_path': str(tmp_path / 'img/a/one.jpg'),
        'img_id': 11,
        'height': 6,
        'width': 10,
        'seg_map_path': str(tmp_path / 'seg/a/one.png'),
        'segments': [{'id': 70000, 'label': 2, 'iscrowd': 0}, {'id': 2, 'label': 3, 'iscrowd': 1}],
        'classes': METAINFO['classes'],
        'thing_ids': (1, 2, 3),
        'tasks': ('panoptic', 'instance', 'semantic'),
        'sample_idx': 0,
    }


def test_label_maps_have_the_names_of_the_id_maps(make, tmp_path):
    folders = {'img': 'img', 'seg': 'seg', 'labels': 'annotations'}
    (tmp_path / 'annotations' / 'a').mkdir(parents=True)
    for name in ('a/one', 'two', 'three'):
        (tmp_path / 'annotations' / f'{name}.png').touch()
    dataset = make(data_prefix=folders)
    assert dataset.get_data_info(0)['label_map_path'] == str(tmp_path / 'annotations/a/one.png')
    (tmp_path / 'annotations' / 'two.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'1 of 3 files .*annotations/two\.png \(image id 5\)'):
        make(data_prefix=folders)


def test_classes_come_from_the_json_without_metainfo(make):
    dataset = make(metainfo=None)
    assert dataset.metainfo == {
        'classes': ('car', 'road', 'cat'),
        'thing_ids': (0, 2),
        'palette': [(1, 2, 3), (4, 5, 6), (7, 8, 9)],
        'thing_classes': ('car', 'cat'),
        'stuff_classes': ('road',),
    }
    assert [segment['label'] for segment in dataset.get_data_info(0)['segments']] == [2, 0]


def test_metainfo_of_the_json_is_known_to_a_lazy_data_set(make, content):
    del content['categories'][1]['color']
    metainfo = make(metainfo=None, lazy_init=True).metainfo
    assert metainfo['classes'] == ('car', 'road', 'cat')
    assert len(set(metainfo['palette'])) == 3


def test_given_metainfo_needs_no_json(make, tmp_path):
    dataset = make(lazy_init=True)
    (tmp_path / 'ann.json').unlink()
    assert dataset.metainfo['classes'] == METAINFO['classes']


def test_known_metainfo_is_found_by_name(make, content):
    content['categories'] = [{'id': 1, 'name': 'window ', 'isthing': 1}, {'id': 2, 'name': 'sky', 'isthing': 0}]
    for annotation in content['annotations']:
        annotation['segments_info'] = [{'id': 1, 'category_id': 1}, {'id': 2, 'category_id': 2}]
    dataset = make(metainfo='ade20k')
    names = [dataset.metainfo['classes'][segment['label']] for segment in dataset.get_data_info(0)['segments']]
    assert [name.strip() for name in names] == ['window', 'sky']


def test_without_things_there_is_no_instance_task(make):
    dataset = make(metainfo={'classes': METAINFO['classes'], 'thing_ids': ()})
    assert dataset.get_data_info(0)['tasks'] == ('panoptic', 'semantic')


def test_json_without_annotations_gives_images_alone(make, content, tmp_path):
    del content['annotations']
    dataset = make(data_prefix={'img': 'img'}, test_mode=True)
    assert [dataset.get_data_info(index)['img_id'] for index in range(3)] == [11, 5, 8]
    assert 'seg_map_path' not in dataset.get_data_info(0)


@pytest.mark.parametrize(
    ('filter_cfg', 'ids'), [({'filter_empty_gt': True}, [11, 5]), ({'min_size': 9}, [5, 8]), (None, [11, 5, 8])]
)
def test_only_training_filters(make, filter_cfg, ids):
    def found(dataset):
        return [dataset.get_data_info(index)['img_id'] for index in range(len(dataset))]

    assert found(make(filter_cfg=filter_cfg)) == ids
    assert found(make(filter_cfg=filter_cfg, test_mode=True)) == [11, 5, 8]


def test_filters_that_leave_nothing_or_are_unknown_are_errors(make):
    with pytest.raises(ValueError, match='removes all images'):
        make(filter_cfg={'min_size': 1000})
    with pytest.raises(ValueError, match='filter_empty_gts'):
        make(filter_cfg={'filter_empty_gts': True})


@pytest.mark.parametrize('serialize_data', [True, False])
def test_framework_options_and_wrappers_work(make, serialize_data):
    dataset = make(serialize_data=serialize_data, lazy_init=True)
    both = ConcatDataset([dataset, make(indices=[2], serialize_data=serialize_data)])
    assert [both.get_data_info(index)['img_id'] for index in range(4)] == [11, 5, 8, 8]
    assert both.metainfo['thing_ids'] == (1, 2, 3)
    assert RepeatDataset(make(indices=2), times=3).get_data_info(5)['img_id'] == 5


def test_getting_an_item_runs_the_pipeline(make):
    seen = make(pipeline=[lambda sample: sample['img_id']])
    assert [seen[index] for index in range(3)] == [11, 5, 8]


def test_faults_in_the_pipeline_are_not_hidden(make):
    def fail(sample):
        raise OSError('disk')

    with pytest.raises(OSError, match='disk'):
        make(pipeline=[fail])[0]


@pytest.mark.parametrize(('folder', 'name'), [('img', 'two.jpg'), ('seg', 'a/one.png')])
def test_missing_file(make, tmp_path, folder, name):
    (tmp_path / folder / name).unlink()
    image_id = {'two.jpg': 5, 'a/one.png': 11}[name]
    with pytest.raises(FileNotFoundError, match=rf'1 of 3 files.*{folder}.*{name} \(image id {image_id}\)'):
        make()


@pytest.mark.parametrize('metainfo', [METAINFO, None])
def test_second_start_is_the_same_without_the_json(make, tmp_path, monkeypatch, metainfo):
    monkeypatch.setattr('mmoneformer.datasets.annotation_cache.MIN_SIZE', 0)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    first = make(metainfo=metainfo)
    status = (tmp_path / 'ann.json').stat()
    (tmp_path / 'ann.json').write_text(' ' * status.st_size)
    os.utime(tmp_path / 'ann.json', ns=(status.st_atime_ns, status.st_mtime_ns))
    options = {'ann_file': 'ann.json', 'data_root': str(tmp_path), 'data_prefix': {'img': 'img', 'seg': 'seg'}}
    second = PanopticSegDataset(**options, metainfo=metainfo)
    assert second.metainfo == first.metainfo
    assert [second.get_data_info(index) for index in range(3)] == [first.get_data_info(index) for index in range(3)]
    (tmp_path / 'img/two.jpg').unlink()
    with pytest.raises(FileNotFoundError, match=r'two.jpg \(image id 5\)'):
        PanopticSegDataset(**options, metainfo=metainfo)


def test_folder_in_place_of_a_file(make, tmp_path):
    (tmp_path / 'img/two.jpg').unlink()
    (tmp_path / 'img/two.jpg').mkdir()
    with pytest.raises(FileNotFoundError, match=r'1 of 3 files.*two.jpg \(image id 5\)'):
        make()


def test_links_are_followed(make, tmp_path):
    (tmp_path / 'img/two.jpg').rename(tmp_path / 'elsewhere.jpg')
    (tmp_path / 'img/two.jpg').symlink_to(tmp_path / 'elsewhere.jpg')
    assert make().get_data_info(1)['img_path'] == str(tmp_path / 'img/two.jpg')


def test_missing_folder(make):
    with pytest.raises(FileNotFoundError, match=r'3 of 3 files.*nowhere'):
        make(data_prefix={'img': 'nowhere', 'seg': 'seg'})


def test_files_of_remote_storage_are_not_listed(make):
    prefix = {'img': 's3://bucket/img', 'seg': 's3://bucket/seg'}
    assert make(data_prefix=prefix).get_data_info(1)['img_path'] == 's3://bucket/img/two.jpg'


def test_folder_of_the_id_maps_must_be_given(make):
    with pytest.raises(ValueError, match="needs 'seg'"):
        make(data_prefix={'img': 'img'})


class Mirror(LocalBackend):
    """Has the files of a folder under another path."""

    def __init__(self, folder):
        self.folder = folder

    def get(self, filepath):
        return super().get(str(filepath).replace('mirrored', self.folder))


def test_a_storage_backend_reads_the_json_and_is_not_searched(make, tmp_path):
    make()
    register_backend('mirror', Mirror, force=True)
    settings = dict(data_prefix=dict(img='img', seg='seg'), metainfo=METAINFO, lazy_init=True)
    dataset = PanopticSegDataset(
        ann_file='mirrored/ann.json', backend_args=dict(backend='mirror', folder=str(tmp_path)), **settings
    )
    dataset.full_init()
    assert dataset.get_data_info(0)['img_path'] == 'img/a/one.jpg'


def test_labels_of_an_image_without_crowds(make):
    assert [make().get_cat_ids(index) for index in range(3)] == [[2], [0], []]


def test_crowds_alone(make, content):
    """Nothing can be learned, but it can be evaluated: predictions on crowds do not count."""
    for annotation in content['annotations']:
        for segment in annotation['segments_info']:
            segment['iscrowd'] = 1
    with pytest.raises(ValueError, match=r'removes all images of .*ann\.json: all of its segments are crowds'):
        make(filter_cfg={'filter_empty_gt': True})
    assert len(make(test_mode=True)) == 3
