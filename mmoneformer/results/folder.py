"""Results as files: pictures, and what other programs read."""

import json
import os
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from mmoneformer.atomic_files import write_bytes
from mmoneformer.metainfo import Metainfo
from mmoneformer.results.as_dict import Plain
from mmoneformer.results.coco_files import CocoFiles
from mmoneformer.results.coco_format import coco_categories, coco_instances, coco_segments
from mmoneformer.structures.panoptic_ids import ids_to_colors


class ResultFolder:
    """A folder of results. Each file appears complete or not at all.

    At the end of a ``with`` statement, however it ends, the files of the run are completed.

    Args:
        path: The folder; it is made where it is missing. Files of an earlier run are replaced.
        metainfo: The classes.
    """

    ENDINGS = ('.png', '.json', '_panoptic.png', '_semantic.png')

    def __init__(self, path: str | os.PathLike[str], metainfo: Metainfo) -> None:
        self.path = Path(path)
        self.metainfo = metainfo
        self.path.mkdir(parents=True, exist_ok=True)
        self._run = CocoFiles(self.path, metainfo)
        self._taken: set[str] = set(CocoFiles.NAMES)

    def __enter__(self) -> 'ResultFolder':
        return self

    def __exit__(self, *error: object) -> None:
        self._run.close()

    def write(self, stem: str, results: Plain, picture: np.ndarray, size: tuple[int, int]) -> str:
        """Write the files of an image, and add it to those of the run.

        ``NAME.png`` is the picture; ``NAME.json`` the segments and instances as COCO has them (``category_id`` is the
        class index); ``NAME_panoptic.png`` the segment ids as R + 256 G + 65536 B, 0 where there is no segment;
        ``NAME_semantic.png`` the class indices, with the palette. Of the run, ``panoptic.json`` and ``instances.json``
        are COCO annotations.

        Args:
            stem: The NAME, where no other image of this run has taken it; else a number is added.
            results: Of ``to_plain``.
            picture: RGB, uint8 [H', W', 3].
            size: Height and width of the image.

        Returns:
            The NAME.
        """
        name = self._free_name(stem)
        content: Plain = {'name': name, 'categories': coco_categories(self.metainfo)}
        if 'panoptic' in results:
            file_name = self._save_image(
                f'{name}_panoptic.png', Image.fromarray(ids_to_colors(results['panoptic']['id_map']))
            )
            content['panoptic'] = {'file_name': file_name, 'segments_info': coco_segments(results['panoptic'])}
        if 'instance' in results:
            content['instances'] = coco_instances(results['instance'])
        if 'semantic' in results:
            image = self._label_image(results['semantic']['label_map'])
            content['semantic'] = {'file_name': self._save_image(f'{name}_semantic.png', image)}
        self._save(f'{name}.json', json.dumps(content).encode())
        self._save_image(f'{name}.png', Image.fromarray(picture))
        self._add_to_run(content, size)
        return name

    def _add_to_run(self, content: Plain, size: tuple[int, int]) -> None:
        image_id = self._run.add_image(content['name'], size)
        if 'panoptic' in content:
            self._run.add_panoptic(image_id, **content['panoptic'])
        if 'instances' in content:
            self._run.add_instances(image_id, content['instances'])

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

    def _label_image(self, label_map: np.ndarray) -> Image.Image:
        image = Image.fromarray(label_map)
        image.putpalette(np.array(self.metainfo['palette'], np.uint8).tobytes())
        return image

    def _save_image(self, file_name: str, image: Image.Image) -> str:
        buffer = BytesIO()
        image.save(buffer, 'PNG', compress_level=1)  # the default takes longer than the rest of the prediction
        return self._save(file_name, buffer.getvalue())

    def _save(self, file_name: str, content: bytes) -> str:
        write_bytes(self.path / file_name, content)
        return file_name
