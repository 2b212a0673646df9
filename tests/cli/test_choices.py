from mmoneformer import tasks
from mmoneformer.apis import check_dataset, device
from mmoneformer_cli import choices


def test_the_names_are_those_of_their_owners():
    assert tuple(tasks.TASKS) == choices.TASKS
    assert tuple(device.DTYPES) == choices.PRECISIONS
    assert check_dataset.SPLITS == choices.SPLITS
