"""Results as files: pictures, and what other programs read."""

import json
import os
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmoneformer.apis.plain_results import Plain
from mmoneformer.metainfo import Metainfo


class ResultFolder:
    """A folder of results. Each file appears whole or not at all: it is written beside and then renamed.

    Args:
        path: The folder; it is made where it is missing. Files of an earlier run are replaced.
        metainfo: The classes.
    """

    ENDINGS = ('.png', '.json', '_panoptic.png', '_semantic.png')

    def __init__(self, path: str | os.PathLike[str], metainfo: Metainfo) -> None:
        self.path = Path(path)
        self.metainfo = metainfo
        self.path.mkdir(parents=True, exist_ok=True)
        self._taken: set[str] = set()

    def write(self, stem: str, results: Plain, picture: np.ndarray) -> str:
        """Write the files of an image.

        ``NAME.png`` is the picture; ``NAME.json`` the segments and instances as COCO has them (``category_id`` is the
        class index); ``NAME_panoptic.png`` the segment ids as R + 256 G + 65536 B, 0 where there is no segment;
        ``NAME_semantic.png`` the class indices, with the palette.

        Args:
            stem: The NAME, where no other image of this run has taken it; else a number is added.
            results: Of ``to_plain``.
            picture: RGB, uint8 [H, W, 3].

        Returns:
            The NAME.
        """
        name = self._free_name(stem)
        content: dict[str, Any] = {'name': name, 'categories': self._categories()}
        if 'panoptic' in results:
            file_name = self._save_image(f'{name}_panoptic.png', _id_image(results['panoptic']['id_map']))
            segments = [_coco_segment(segment) for segment in results['panoptic']['segments']]
            content['panoptic'] = {'file_name': file_name, 'segments_info': segments}
        if 'instance' in results:
            content['instances'] = _coco_instances(results['instance'])
        if 'semantic' in results:
            image = Image.fromarray(results['semantic']['label_map'])
            image.putpalette(np.array(self.metainfo['palette'], np.uint8).tobytes())
            content['semantic'] = {'file_name': self._save_image(f'{name}_semantic.png', image)}
        self._save(f'{name}.json', json.dumps(content).encode())
        self._save_image(f'{name}.png', Image.fromarray(picture))
        return name

    def _free_name(self, stem: str) -> str:
        number, name = 1, stem
        while not self._taken.isdisjoint(self._files_of(name)):
            number += 1
            name = f'{stem}_{number}'
        self._taken |= self._files_of(name)
        return name

    def _files_of(self, name: str) -> set[str]:
        """All that a name may claim; in lower case, as there are file systems that do not tell the difference."""
        return {(name + ending).lower() for ending in self.ENDINGS}

    def _categories(self) -> list[dict[str, Any]]:
        things = self.metainfo['thing_ids']
        return [
            {'id': label, 'name': name, 'isthing': int(label in things)}
            for label, name in enumerate(self.metainfo['classes'])
        ]

    def _save_image(self, file_name: str, image: Image.Image) -> str:
        buffer = BytesIO()
        image.save(buffer, 'PNG')
        return self._save(file_name, buffer.getvalue())

    def _save(self, file_name: str, content: bytes) -> str:
        part = self.path / f'{file_name}.part'
        part.write_bytes(content)
        part.replace(self.path / file_name)
        return file_name


def _id_image(id_map: np.ndarray) -> Image.Image:
    """Segment ids as colours, R + 256 G + 65536 B."""
    return Image.fromarray(np.stack([id_map >> shift & 255 for shift in (0, 8, 16)], axis=-1).astype(np.uint8))


def _coco_segment(segment: Plain) -> Plain:
    return {
        'id': segment['id'],
        'category_id': segment['label'],
        'isthing': int(segment['is_thing']),
        'area': segment['area'],
        'iscrowd': 0,
    }


def _coco_instances(instances: Plain) -> list[Plain]:
    rows = zip(*(instances[key] for key in ('labels', 'scores', 'bboxes', 'masks')), strict=True)
    return [
        {
            'category_id': label,
            'score': score,
            'bbox': [left, top, right - left, bottom - top],
            'segmentation': mask,
        }
        for label, score, (left, top, right, bottom), mask in rows
    ]
