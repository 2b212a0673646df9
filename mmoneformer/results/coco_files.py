"""The results of all images of a run as COCO annotations."""

from pathlib import Path

from pycocotools import mask as coco_mask

from mmoneformer.metainfo import Metainfo
from mmoneformer.results.as_dict import Plain
from mmoneformer.results.coco_format import coco_categories
from mmoneformer.results.streamed_json import StreamedJson


class CocoFiles:
    """``panoptic.json`` and ``instances.json`` of a folder, written as the results come.

    Args:
        folder: Where they go.
        metainfo: The classes.
    """

    NAMES = ('panoptic.json', 'instances.json')

    def __init__(self, folder: Path, metainfo: Metainfo) -> None:
        self.folder = folder
        self._head = {'categories': coco_categories(metainfo)}
        self._images: list[Plain] = []
        self._files: dict[str, StreamedJson] = {}
        self._num_instances = 0

    def add_image(self, name: str, size: tuple[int, int]) -> int:
        """Add an image, of height and width ``size``, and return its id."""
        height, width = size
        self._images.append({'id': len(self._images) + 1, 'file_name': name, 'height': height, 'width': width})
        return len(self._images)

    def add_panoptic(self, image_id: int, file_name: str, segments_info: list[Plain]) -> None:
        """Add the segments of an image, whose ids are in the PNG ``file_name``."""
        annotation = {'image_id': image_id, 'file_name': file_name, 'segments_info': segments_info}
        self._file('panoptic.json').append(annotation)

    def add_instances(self, image_id: int, instances: list[Plain]) -> None:
        """Add the instances of an image."""
        file = self._file('instances.json')
        for instance in instances:
            self._num_instances += 1
            area = int(coco_mask.area(instance['segmentation']))
            file.append({'id': self._num_instances, 'image_id': image_id, **instance, 'area': area, 'iscrowd': 0})

    def close(self) -> None:
        """Complete the files with the images that were added."""
        for file in self._files.values():
            file.close({'images': self._images})
        self._files.clear()

    def _file(self, name: str) -> StreamedJson:
        if name not in self._files:
            self._files[name] = StreamedJson(self.folder / name, self._head, 'annotations')
        return self._files[name]
