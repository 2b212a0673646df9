"""Ground truth instances of a COCO instance json, which may overlap, unlike the segments of a panoptic map."""

from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

from pycocotools.coco import COCO

from mmoneformer.metainfo import category_ids


class InstanceFile:
    """A COCO instance json.

    Args:
        path: The json.
        classes: Names of the classes; a label is an index of them.
        dataset: Known data set whose category ids the json has; None to find its categories by their names.

    Raises:
        ValueError: If a category is none of the classes.
    """

    def __init__(self, path: str, classes: Sequence[str], *, dataset: str | None = None) -> None:
        with redirect_stdout(StringIO()):  # pycocotools reports its progress with print
            self._coco = COCO(path)
        key, known = ('name', classes) if dataset is None else ('id', category_ids(dataset, classes))
        label_of = {value: label for label, value in enumerate(known)}
        categories = self._coco.dataset['categories']
        strange = sorted(category['name'] for category in categories if category[key] not in label_of)
        if strange:
            raise ValueError(f'categories {strange[:5]} of {path} are no classes of the data set')
        self._label_of = {category['id']: label_of[category[key]] for category in categories}
        self._path = path

    def annotations(self, image_id: int | str) -> list[dict[str, Any]]:
        """COCO annotations of an image, with run lengths as masks and labels as category ids.

        Raises:
            ValueError: If the json does not have the image.
        """
        if image_id not in self._coco.imgs:
            raise ValueError(f'{self._path} has no image {image_id!r}: it must be of the split that is evaluated')
        return [
            {
                'segmentation': self._coco.annToRLE(annotation),
                'area': annotation['area'],  # of the polygon, which decides what is small: not of the pixels
                'category_id': self._label_of[annotation['category_id']],
                'iscrowd': annotation['iscrowd'],
            }
            for annotation in self._coco.imgToAnns[image_id]
        ]
