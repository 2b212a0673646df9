"""COCO instance jsons, which are checked when they are read."""

import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from reprlib import repr as shortened
from typing import Any

from mmdet.datasets.api_wrappers import COCO

from mmoneformer.datasets.annotation_cache import cached
from mmoneformer.datasets.instance_masks import Masks, check_masks
from mmoneformer.datasets.json_schema import (
    ID,
    LIST,
    SIZE,
    TEXT,
    YES_OR_NO,
    check_entries,
    check_entry,
    check_unique,
    read_json,
)
from mmoneformer.datasets.left_out import Remark
from mmoneformer.errors import AnnotationError, UnknownLabelError, first_few

CONTENT = {'categories': LIST, 'images': LIST, 'annotations': LIST}
CATEGORY = {'id': ID, 'name': TEXT}
IMAGE = {'id': ID, 'height': SIZE, 'width': SIZE}
ANNOTATION = {'id': ID, 'image_id': ID, 'category_id': ID, 'iscrowd': YES_OR_NO._replace(required=False)}
TOLERATED = 0.01  # share of the annotations whose area and box are corrected without a remark

Content = dict[str, Any]


class InstanceJson(COCO):
    """A COCO instance json, for mmdet's data sets and for pycocotools.

    What can be read in one way only is put right: spaces around the names of categories, polygons without their outer
    list, a missing ``iscrowd``, and an ``area`` or ``bbox`` that is missing, or for which mmdet would leave the
    annotation out although its mask has pixels. Everything else that is wrong is an error.

    Args:
        path: The json.
        name: Name of the json for messages; None for ``path``.
        classes: Names of the categories to use, the masks of the others are not checked; None for all of them, and for
            images whose files are not read.
        is_training: Whether there must be annotation to learn from.

    Attributes:
        remarks: What is left out or put right.

    Raises:
        FileNotFoundError: If there is no such file.
        UnreadableFileError: If the file is not a json.
        AnnotationError: If it contradicts itself or the format; the message names the place and the value.
        UnknownLabelError: If the name of a category differs from a class only by its spelling.
    """

    def __init__(
        self, path: str, *, name: str | None = None, classes: Sequence[str] | None = None, is_training: bool = False
    ) -> None:
        super().__init__()
        content = read_json(path)
        settings = ('instances', None if classes is None else tuple(classes), is_training)
        try:
            found = Masks(*cached(lambda: tuple(_examine(content, *settings[1:])), source=path, settings=settings))
        except AnnotationError as error:
            hint = _hint(content)
            raise type(error)(f'{name or path} is not a COCO instance json that fits: {error}{hint}') from error
        renamed = [] if classes is None else _rename(content['categories'], classes)
        annotations = content.setdefault('annotations', [])
        for annotation in annotations:
            annotation.setdefault('iscrowd', 0)
        for index, change in found.changes.items():
            annotations[index].update(change)
        self.remarks = [*_remarks(content, classes, found), *_remarks_on_text(path, renamed)]
        self.dataset = content
        with redirect_stdout(StringIO()):  # pycocotools prints its progress
            self.createIndex()
        self.img_ann_map, self.cat_img_map = self.imgToAnns, self.catToImgs


def _examine(content: Any, classes: Collection[str] | None, is_training: bool) -> Masks:
    """Check everything that is to be used."""
    check_entry(content, CONTENT | {'annotations': LIST._replace(required=is_training)}, 'the file')
    annotations = content.get('annotations', [])
    image = IMAGE | {'file_name': TEXT._replace(required=classes is not None)}
    for key, rules in {'categories': CATEGORY, 'images': image, 'annotations': ANNOTATION}.items():
        entries = content.get(key, [])
        check_entries(entries, rules, key)
        check_unique(entries, 'id', key)
    check_unique([image for image in content['images'] if 'file_name' in image], 'file_name', 'images')
    _check_references(annotations, 'image_id', content['images'], 'images')
    _check_references(annotations, 'category_id', content['categories'], 'categories')
    if classes is not None:
        _check_spelling([category['name'] for category in content['categories']], classes)
    used = _used(content, classes)
    if is_training and used and all(annotation.get('iscrowd') for annotation in used.values()):
        raise AnnotationError(
            f'all {len(used)} annotations are crowds (iscrowd=1), from which nothing is learned: set iscrowd=0 of '
            'those that show a single object, as some labeling tools write 1 for each mask in run lengths'
        )
    return check_masks(used, {image['id']: (image['height'], image['width']) for image in content['images']})


def _hint(content: Any) -> str:
    """What an entirely different file may be."""
    annotations = content.get('annotations') if isinstance(content, dict) else None
    first = annotations[0] if isinstance(annotations, list) and annotations else None
    if isinstance(first, dict) and 'segments_info' in first:
        return '; it is a COCO-panoptic json, which PanopticSegDataset reads'
    return ''


def _check_references(annotations: Sequence[Content], key: str, entries: Sequence[Content], place: str) -> None:
    """Check that a key of the annotations has an id of certain entries."""
    known = {entry['id'] for entry in entries}
    wrong = [index for index, annotation in enumerate(annotations) if annotation[key] not in known]
    if wrong:
        raise UnknownLabelError(
            f'{key!r} of annotations[{wrong[0]}] is {shortened(annotations[wrong[0]][key])}, which is none of the ids '
            f'{first_few(map(repr, known))} of {place}: add it there, or remove the {len(wrong)} annotations of this '
            'kind'
        )


def _check_spelling(names: Sequence[str], classes: Collection[str]) -> None:
    """Check that no category is left out because its name is spelled otherwise than that of its class."""
    known, found = {name.strip() for name in classes}, {name.strip() for name in names}
    lacking = {_plain(name): name for name in known - found if _plain(name)}
    for index, name in enumerate(names):
        if name.strip() not in known and _plain(name) in lacking:
            raise UnknownLabelError(
                f"'name' of categories[{index}] is {name!r}, but the classes have {lacking[_plain(name)]!r}: write "
                'the same name in both, as their case matters'
            )


def _plain(name: str) -> str:
    return re.sub(r'[\W_]+', '', name.casefold())


def _rename(categories: Sequence[Content], classes: Collection[str]) -> list[str]:
    """Give categories the names of the classes that they have but for outer spaces; return the former names."""
    name_of = {name.strip(): name for name in classes}
    wanted = [(category, name_of.get(category['name'].strip(), category['name'])) for category in categories]
    former = [category['name'] for category, name in wanted if name != category['name']]
    for category, name in wanted:
        category['name'] = name
    return former


def _used(content: Content, classes: Collection[str] | None) -> dict[int, Content]:
    """The annotations that mmdet's data sets take, by their index."""
    known = None if classes is None else {name.strip() for name in classes}
    ids = {entry['id'] for entry in content['categories'] if known is None or entry['name'].strip() in known}
    annotations = enumerate(content.get('annotations', []))
    return {index: entry for index, entry in annotations if entry['category_id'] in ids and not entry.get('ignore')}


def _remarks(content: Content, classes: Collection[str] | None, found: Masks) -> Iterator[Remark]:
    annotations: list[Mapping[str, Any]] = content['annotations']
    counts = Counter(annotation['category_id'] for annotation in annotations)
    names = {c['id']: c['name'] for c in content['categories'] if c.get('isthing', 1)}  # stuff is no instance
    unlisted = [key for key in counts if classes is not None and key in names and names[key] not in classes]
    if unlisted:
        yield Remark(
            f'{sum(counts[key] for key in unlisted)} annotations are left out, as the classes lack their categories',
            tuple(f'{names[key]!r}: {counts[key]} annotations' for key in unlisted),
            'Add the categories to the classes, unless these objects are to be learned as background.',
        )
    ignored = [str(annotation['id']) for annotation in annotations if annotation.get('ignore')]
    if ignored:
        yield Remark(
            f'{len(ignored)} annotations are left out, as they have ignore=1',
            tuple(f'annotation id {number}' for number in ignored),
            'Set iscrowd=1 in its place where neither object nor background is to be learned.',
        )
    if len(found.contradicting) > TOLERATED * len(annotations):
        yield Remark(
            f'{len(found.contradicting)} annotations have an area of 0, or a box below a pixel, outside of the image '
            'or not of numbers, but a mask with pixels: area and box were taken from the mask',
            tuple(f'annotation id {number}' for number in found.contradicting),
            'Look at some of the samples: the masks may be of another image or scale.',
        )
    if found.invisible:
        yield Remark(
            f'{len(found.invisible)} annotations are left out, as their mask has no pixel in the image',
            tuple(f'annotation id {number}' for number in found.invisible),
            'Look at some of the samples: the coordinates may be of another image or scale.',
        )


def _remarks_on_text(path: str, renamed: Sequence[str]) -> Iterator[Remark]:
    if renamed:
        title = f'{len(renamed)} categories have names with outer spaces, which are not compared'
        yield Remark(title, tuple(map(repr, renamed)), 'Nothing needs to be done.', is_harmless=True)
    with open(path, 'rb') as file:
        has_mark = file.read(len(BOM_UTF8)) == BOM_UTF8
    if has_mark:
        title = 'the json begins with a byte order mark, which mmdet and pycocotools do not read by themselves'
        yield Remark(title, (path,), 'Save it as UTF-8 without such a mark for other programs.')
