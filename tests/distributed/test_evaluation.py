"""Two processes measure and write what one does. Run as a script, this file is one of the processes."""

import sys
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.dist import get_rank, get_world_size
from mmengine.evaluator import Evaluator
from mmengine.structures import BaseDataElement, InstanceData, PixelData

import mmoneformer  # noqa: F401  # as a script, too, before mmdet
from mmoneformer.metainfo import resolve_metainfo
from mmoneformer.tasks import TASKS

NUM_IMAGES = 7  # which two processes cannot share evenly
SIZE = (40, 60)
META = resolve_metainfo('cityscapes')
LABELS = [0, 10, 11, 13]  # road, sky, person, car
LABEL_IDS = {11: 24, 13: 26}  # Cityscapes' own numbers of the things
METRICS = {
    'PanopticQuality': {},
    'ThingInstanceAP': {},
    'SemanticIoU': dict(iou_metrics=['mIoU']),
    'CityscapesAP': dict(prefix='cityscapes'),
    'CocoPanopticResults': dict(dataset='cityscapes', outfile_prefix='results/coco'),
    'CocoInstanceResults': dict(dataset='cityscapes', outfile_prefix='results/coco'),
    'CityscapesSemanticResults': dict(out_dir='results/semantic'),
    'CityscapesInstanceResults': dict(out_dir='results/instance'),
}


def make_sample(number, root):
    """A random image of four segments, its prediction with a part in error; the third tells no task but the last."""
    rng = np.random.default_rng(number)
    top, left = rng.integers(5, 30), rng.integers(10, 50)
    id_map = np.ones(SIZE, np.uint8)
    id_map[:, left:] = 2
    id_map[:top, : left // 2] = 3
    id_map[top:, left - 5 :] = 4
    truth = root / 'gtFine' / 'val' / 'ulm' / f'ulm_{number}_gtFine_instanceIds.png'
    truth.parent.mkdir(parents=True, exist_ok=True)
    ids = np.choose(id_map, (0, 7, 23, 1000 * LABEL_IDS[11], 1000 * LABEL_IDS[13])).astype(np.uint16)
    truth.write_bytes(cv2.imencode('.png', ids)[1].tobytes())

    predicted = torch.from_numpy(np.roll(id_map, rng.integers(1, 9, 2), (0, 1)))
    labels = torch.tensor([255, *LABELS])
    sample = BaseDataElement(
        metainfo=dict(
            img_id=number,
            img_path=str(root / 'leftImg8bit' / 'val' / 'ulm' / f'ulm_{number}_leftImg8bit.png'),
            segments=[dict(id=index + 1, label=label, iscrowd=0) for index, label in enumerate(LABELS)],
            task_tokens={task: task for task in TASKS},
            tasks=['none'] if number == 3 else list(TASKS),
        )
    )
    sample.gt_panoptic_seg = PixelData(id_map=torch.from_numpy(id_map)[None])
    sample.gt_sem_seg = PixelData(data=labels[torch.from_numpy(id_map).long()][None])
    instance_ids = torch.tensor([0, 0, 0, 1000, 1000])
    sample.pred_panoptic_seg = PixelData(sem_seg=(labels + instance_ids)[predicted.long()][None])
    sample.pred_sem_seg = PixelData(**dict.fromkeys(('sem_seg', 'data'), labels[predicted.long()][None]))
    masks = torch.stack([predicted == 3, predicted == 4])
    sample.pred_instances = InstanceData(masks=masks, labels=labels[3:], scores=torch.from_numpy(rng.random(2)))
    return sample


def measure(root):
    """Process this process's share of the images, filled up to an even number as mmengine's sampler does it."""
    evaluator = Evaluator([dict(type=f'mmoneformer.{name}', **settings) for name, settings in METRICS.items()])
    evaluator.dataset_meta = META
    own = range(get_rank(), NUM_IMAGES + NUM_IMAGES % get_world_size(), get_world_size())
    for number in own:
        evaluator.process([make_sample(number % NUM_IMAGES, root)])
    return evaluator.evaluate(NUM_IMAGES)


def share_the_images(rank, world_size):
    """Be one of the processes, and write down what it found; the results go to the current folder."""
    torch.distributed.init_process_group(
        'gloo',
        init_method=f'file://{Path.cwd()}/rendezvous',
        rank=rank,
        world_size=world_size,
        timeout=timedelta(minutes=3),
    )
    torch.save(measure(Path()), f'{rank}.pth')
    torch.distributed.destroy_process_group()


@pytest.fixture(scope='module')
def runs(start_script, tmp_path_factory):
    """Folders of the runs with one process and with two."""
    pytest.importorskip('cityscapesscripts')
    folders = {count: tmp_path_factory.mktemp('processes') for count in (1, 2)}
    processes = [
        start_script(__file__, rank, count, cwd=folder) for count, folder in folders.items() for rank in range(count)
    ]
    for process in processes:
        process.join(timeout=240)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    return folders


def test_the_metrics_are_equal(runs):
    expected = torch.load(runs[1] / '0.pth')
    assert {'PQ', 'AP', 'mIoU'} < set(expected)
    assert 0 < expected['PQ'] < 100
    for rank in range(2):
        assert torch.load(runs[2] / f'{rank}.pth') == pytest.approx(expected, nan_ok=True)


def test_the_result_files_are_equal(runs):
    expected, found = (
        {path.relative_to(folder): path.read_bytes() for path in (folder / 'results').rglob('*') if path.is_file()}
        for folder in (runs[1], runs[2])
    )
    assert len(expected) == 2 + NUM_IMAGES + NUM_IMAGES + 3 * NUM_IMAGES
    assert found == expected


if __name__ == '__main__':
    share_the_images(int(sys.argv[1]), int(sys.argv[2]))
