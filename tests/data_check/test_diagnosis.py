import shutil

from mmoneformer.data_check.diagnosis import BETWEEN, diagnose, unopened
from mmoneformer.data_check.finding import Severity


def test_clean_data_has_no_finding(config, read):
    found = diagnose({'train': read('train'), 'val': read('val')}, config.model)
    assert found == {'train': [], 'val': [], BETWEEN: []}


def test_worst_first(config, read, folder, edit_json):
    edit_json(lambda c: c['annotations'][3]['segments_info'].append({'id': 1 << 20, 'category_id': 2, 'iscrowd': 0}))
    shutil.copy(folder / 'train/000007.jpg', folder / 'val/000002.jpg')
    (folder / 'train/000001.jpg').unlink()
    config.model.panoptic_head.num_queries = 8
    found = diagnose({'train': read('train'), 'val': read('val')}, config.model)
    assert [finding.severity for finding in found['train']] == [Severity.ERROR, Severity.WARNING, Severity.NOTE]
    assert [finding.severity for finding in found[BETWEEN]] == [Severity.WARNING]


def test_no_findings_that_follow_from_unusable_samples(config, read, folder):
    shutil.rmtree(folder / 'train')
    (finding,) = diagnose({'train': read('train')}, config.model)['train']
    assert finding.title == '12 samples with missing files'


def test_one_split_is_compared_with_nothing(config, read):
    assert diagnose({'val': read('val')}, config.model) == {'val': []}


def test_a_split_that_cannot_be_opened():
    found = unopened(FileNotFoundError('annotations/panoptic_train.json'))
    assert found.severity is Severity.ERROR
    assert found.examples == ('FileNotFoundError: annotations/panoptic_train.json',)
