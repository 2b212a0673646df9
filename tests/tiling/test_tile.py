from mmoneformer.tiling.merging import MERGERS
from mmoneformer.tiling.tile import TileResult


def test_mergers_take_the_tiles_of_a_task(scene, grid, exact, classes):
    """Tiles that were never added have no result, in any task."""
    results = {}
    for task, make in MERGERS.items():
        merger = make(grid, classes, None)
        merger.add(TileResult(0, exact[task](type(scene)(scene.stuff[:40, :40], [])), lambda rows, columns: None))
        results[task] = merger.result()
    assert (results['semantic']['label_map'][:40, :40] == scene.stuff[:40, :40]).all()
    assert (results['semantic']['label_map'][40:] == 255).all()
    assert [segment['label'] for segment in results['panoptic']['segments']] == [0]
    assert (results['panoptic']['id_map'] == 1).sum() == 1600
    assert results['instance']['masks'] == []
