import pytest

from mmoneformer.data_check.examination import examine
from mmoneformer.data_check.reading import read_samples
from mmoneformer.data_check.tolerant_dataset import open_dataset


@pytest.mark.parametrize('workers', [0, 2])
def test_reads_each_sample_in_order_whoever_reads(config, folder, workers):
    (folder / 'train/000003.jpg').write_bytes(b'')
    dataset = open_dataset(config.train_dataloader.dataset)
    records = read_samples(dataset, title='train', workers=workers)
    assert records == [examine(dataset, index) for index in range(12)]
    assert [record.fault is None for record in records] == [True, True, False] + [True] * 9
