import pytest

from mmoneformer_deploy.failures import Failure
from mmoneformer_deploy.share import Share


@pytest.mark.parametrize('count', [1, 2, 3, 7])
def test_each_item_is_that_of_one_process(count):
    parts = [Share(rank, count, list).part(iter('abcde')) for rank in range(count)]
    assert sorted(item for part in parts for item in part) == list('abcde')
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert all(part == sorted(part) for part in parts)


def test_totals():
    other = (3, [Failure(1, 'b', 'broken'), Failure(5, 'f', 'broken')])
    share = Share(0, 2, lambda own: [own, other])
    count, failures = share.total(2, [Failure(4, 'e', 'broken')])
    assert count == 5
    assert [failure.number for failure in failures] == [1, 4, 5]
