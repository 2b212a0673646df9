from mmoneformer.metainfo.category import Category, metainfo_of

CATEGORIES = (
    Category(7, 'road', False, (128, 64, 128)),
    Category(26, 'car', True, (0, 0, 142)),
    Category(11, 'building', False, (70, 70, 70)),
)


def test_the_order_of_the_table_is_the_class_order():
    assert metainfo_of(CATEGORIES) == {
        'classes': ('road', 'car', 'building'),
        'thing_ids': (1,),
        'palette': [(128, 64, 128), (0, 0, 142), (70, 70, 70)],
    }


def test_json_entry():
    assert CATEGORIES[1].as_json() == {
        'id': 26,
        'name': 'car',
        'supercategory': 'car',
        'isthing': 1,
        'color': [0, 0, 142],
    }
