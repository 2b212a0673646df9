import cv2
import numpy as np
import pytest
from PIL import Image

from mmoneformer.datasets.shapes.scene import draw_scene
from mmoneformer.results import to_yolo, write_yolo
from mmoneformer.results.to_yolo import joined_outline


def fill(vertices, shape):
    drawn = np.zeros(shape, np.uint8)
    cv2.fillPoly(drawn, [vertices], 1)
    return drawn.astype(bool)


def test_lines(predictions, metainfo):
    (line,) = to_yolo(predictions, 'instance', metainfo).splitlines()
    label, *numbers = line.split()
    vertices = np.array(numbers, float).reshape(-1, 2) * (9, 6)
    assert label == '1'
    assert {(1.25, 1.25), (4.25, 1.25), (4.25, 3.25), (1.25, 3.25)} <= {tuple(vertex) for vertex in vertices.round(3)}
    labels = [line[0] for line in to_yolo(predictions, 'instance', metainfo, min_score=0.2).splitlines()]
    assert labels == ['1', '1']
    assert [line[0] for line in to_yolo(predictions, 'semantic', metainfo).splitlines()] == ['0', '1', '2']


def test_nothing(nothing, metainfo):
    assert to_yolo(nothing, 'instance', metainfo) == ''


def test_supervision_reads_the_files(predictions, nothing, metainfo, masks, tmp_path):
    supervision = pytest.importorskip('supervision')
    write_yolo(tmp_path, {'a': predictions, 'b': nothing}, 'panoptic', metainfo, min_score=0)
    (tmp_path / 'images').mkdir()
    for name in ('a', 'b'):
        Image.new('RGB', (9, 6)).save(tmp_path / f'images/{name}.png')
    read = supervision.DetectionDataset.from_yolo(
        str(tmp_path / 'images'), str(tmp_path / 'labels'), str(tmp_path / 'data.yaml')
    )
    assert read.classes == ['sky', 'cat', 'road']
    found = {path: detections for path, _, detections in read}
    assert len(found[str(tmp_path / 'images/b.png')]) == 0
    found = found[str(tmp_path / 'images/a.png')]
    assert found.class_id.tolist() == [0, 1, 1, 2]
    differs = (found.mask != masks).sum((1, 2))
    assert differs.tolist() == [1, 0, 0, 3]  # the lines that join two parts


@pytest.mark.parametrize(
    'rows',
    ['#', '##', '#.#', '#,.', '###,#.#,###', '#####,#.#.#,#####', '####,#..#,#.##,####', '.#.,###,.#.', '#..,.#.,..#'],
)
def test_small_masks(rows):
    """Parts and holes; the outline of a pixel or of a line has three vertices, too."""
    mask = np.pad(np.array([[pixel == '#' for pixel in row.ljust(5, '.')] for row in rows.split(',')]), 1)
    outline = joined_outline(mask)
    assert len(outline) >= 3
    drawn = fill(outline, mask.shape)
    assert (drawn | mask == drawn).all()
    assert (drawn != mask).sum() <= (1 if rows == '#.#' else 0)


def test_masks_of_scenes():
    """Almost nothing of real outlines is lost, with holes and parts where things lie on others."""
    wrong, pixels = 0, 0
    for seed in range(4):
        scene = draw_scene(np.random.default_rng(seed), 128)
        for number in np.unique(scene.ids[scene.ids > 0]):
            mask = scene.ids == number
            wrong += (fill(joined_outline(mask), mask.shape) != mask).sum()
            pixels += mask.sum()
    assert pixels > 0
    assert wrong <= 0.002 * pixels
