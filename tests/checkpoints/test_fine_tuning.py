import torch

from mmoneformer.checkpoints.fine_tuning import CLASS_ROWS, CONTEXT, QUERIES, fit_classes, fit_queries

WEIGHT, BIAS = CLASS_ROWS
STORED, CLASSES = ('cat', 'sky', 'window '), ('road', 'window', 'cat', 'bus')


def rows(count, offset, width=3):
    return torch.arange(count * width).view(count, width).float() + offset


def test_classes_of_the_same_name_keep_their_rows():
    weights = {WEIGHT: rows(4, 100), BIAS: torch.arange(4.0) + 100}
    own = {WEIGHT: rows(5, 0), BIAS: torch.arange(5.0)}
    fitted, summary = fit_classes(weights, STORED, own, CLASSES)
    before, new = weights[WEIGHT], own[WEIGHT]
    assert fitted[WEIGHT].tolist() == torch.stack([new[0], before[2], before[0], new[3], before[3]]).tolist()
    assert fitted[BIAS].tolist() == [0, 102, 100, 3, 103]
    assert summary == "classes: 2 kept ('window', 'cat'); 2 new ('road', 'bus'); 1 dropped ('sky',)"
    assert own[BIAS].tolist() == [0, 1, 2, 3, 4]


def test_no_class_in_common():
    weights = {WEIGHT: rows(2, 100), BIAS: torch.arange(2.0) + 100}
    own = {WEIGHT: rows(3, 0), BIAS: torch.arange(3.0)}
    fitted, _ = fit_classes(weights, ('cat',), own, ('dog', 'cow'))
    assert fitted[BIAS].tolist() == [0, 1, 101]  # "no object" is always known


def test_more_queries():
    weights = {QUERIES: rows(3, 100, 1), CONTEXT: rows(2, 100, 1)}
    own = {QUERIES: rows(5, 0, 1), CONTEXT: rows(4, 0, 1)}
    fitted, summaries = fit_queries(weights, own)
    assert fitted[QUERIES].flatten().tolist() == [100, 101, 2, 3, 102]  # the task token's stays the last
    assert fitted[CONTEXT].flatten().tolist() == [100, 101, 2, 3]
    assert summaries == ['queries: 3 kept; 2 new; 0 dropped', 'context vectors: 2 kept; 2 new; 0 dropped']


def test_fewer_queries():
    fitted, summaries = fit_queries({QUERIES: rows(5, 100, 1)}, {QUERIES: rows(3, 0, 1), CONTEXT: rows(2, 0, 1)})
    assert fitted[QUERIES].flatten().tolist() == [100, 101, 104]
    assert list(fitted) == [QUERIES]
    assert summaries == ['queries: 3 kept; 0 new; 2 dropped']


def test_what_fits_is_left_alone():
    assert fit_queries({QUERIES: rows(3, 100)}, {QUERIES: rows(3, 0)}) == ({}, [])
