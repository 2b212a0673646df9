"""Instance AP, as Cityscapes defines it."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmoneformer.evaluation.cityscapes_results import write_instances
from mmoneformer.evaluation.thing_instance_ap import ThingInstanceAP
from mmoneformer.metainfo import category_ids
from mmoneformer.registry import METRICS
from mmoneformer_deploy.result_files import FreeNames


@METRICS.register_module()
class CityscapesAP(ThingInstanceAP):
    """AP and AP50 in percent, computed by cityscapesscripts from the ``instanceIds`` files of ``gtFine``.

    Without cityscapesscripts, AP is computed as for COCO, and the metrics are named ``..._coco_style``.

    Args:
        kwargs: Arguments of ``ThingInstanceAP``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.has_scripts = find_spec('cityscapesscripts') is not None
        self._folder = TemporaryDirectory(prefix='cityscapes_ap_')
        self._names = FreeNames()
        if not self.has_scripts:
            print_log(
                'cityscapesscripts is not installed: AP is computed as for COCO; pip install cityscapesscripts',
                'current',
                logging.WARNING,
            )

    def process_image(self, sample: dict[str, Any]) -> None:
        """Write the predictions of an image as files.

        Raises:
            ValueError: If the classes are not those of Cityscapes.
            FileNotFoundError: If the image has no ground truth file.
        """
        if not self.has_scripts:
            super().process_image(sample)
            return
        label_ids = category_ids('cityscapes', self.dataset_meta['classes'])
        name = self._names.claim(Path(sample['img_path']).stem)
        predicted = write_instances(Path(self._folder.name), name, sample, label_ids)
        self.results.append((str(instance_ids_file(sample['img_path'])), str(predicted)))

    def evaluate(self, size: int) -> dict[str, float]:
        """Compute the metrics, and give all names again in the next evaluation."""
        try:
            return super().evaluate(size)
        finally:
            self._names = FreeNames()

    def compute(self, results: Sequence[Any]) -> dict[str, float]:
        """Compute the average precisions.

        Args:
            results: Paths of the ground truth and of the predictions of each image.

        Returns:
            AP and AP50, 0 to 100; nan without ground truth.
        """
        if not self.has_scripts:
            return {f'{name}_coco_style': value for name, value in super().compute(results).items()}
        if not results:
            return {'AP': float('nan'), 'AP50': float('nan')}
        from cityscapesscripts.evaluation import evalInstanceLevelSemanticLabeling as protocol
        from cityscapesscripts.evaluation.instances2dict import instances2dict

        truths, predictions = map(list, zip(*results, strict=True))
        args = protocol.args
        args.quiet, args.predictionPath = True, str(Path(predictions[0]).parents[1])
        protocol.setInstanceLabels(args)
        with _numpy_in1d():
            matches = protocol.matchGtWithPreds(predictions, truths, instances2dict(truths), args)
        averages = protocol.computeAverages(protocol.evaluateMatches(matches, args), args)
        return {'AP': 100 * float(averages['allAp']), 'AP50': 100 * float(averages['allAp50%'])}


def instance_ids_file(image: str) -> Path:
    """Path of the ground truth of ``<root>/leftImg8bit/<split>/<city>/<name>_leftImg8bit.png``.

    Raises:
        FileNotFoundError: If the file does not exist.
    """
    path = Path(image)
    name = path.name.removesuffix('_leftImg8bit.png')
    split = path.parents[1].name
    truth = path.parents[3] / 'gtFine' / split / path.parent.name / f'{name}_gtFine_instanceIds.png'
    if not truth.is_file():
        raise FileNotFoundError(f'{image} has no {truth}: unpack gtFine_trainvaltest.zip next to leftImg8bit')
    return truth


@contextmanager
def _numpy_in1d() -> Iterator[None]:
    """Provide ``numpy.in1d``, which cityscapesscripts calls and numpy 2.4 removed."""
    numpy: Any = np  # its type stubs lack the name
    if hasattr(numpy, 'in1d'):
        yield
        return
    numpy.in1d = np.isin
    try:
        yield
    finally:
        del numpy.in1d
