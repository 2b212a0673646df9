"""Results as files: what is written for each task, and the folder of a run."""

import os
from collections.abc import Collection, Iterable

from mmoneformer.metainfo import Metainfo, palette_of
from mmoneformer.tasks import TASKS, TaskTable
from mmoneformer_deploy.image_files import FORMATS, Draw
from mmoneformer_deploy.result_folder import ResultFolder
from mmoneformer_deploy.task_files import TASK_FILES as FILES_OF_OUR_TASKS
from mmoneformer_deploy.task_files import TaskFiles

TASK_FILES = TaskTable[TaskFiles]('mmoneformer.results.folder.TASK_FILES', FILES_OF_OUR_TASKS)


def open_folder(
    path: str | os.PathLike[str],
    metainfo: Metainfo,
    *,
    draw: Draw | None = None,
    formats: Collection[str] = FORMATS,
    taken: Iterable[str] = (),
) -> ResultFolder:
    """Open a folder for the results of every task, also of those that were added to the table.

    Args:
        path: The folder, created if it does not exist. Results of an earlier run are replaced, other files are kept.
        metainfo: The classes.
        draw: Draws an image, see ``visualization.sheet_drawer``; None to write no drawings.
        formats: What is written, as in ``ResultFolder``.
        taken: Names of files in the folder that are kept although they may be results of an earlier run.

    Raises:
        KeyError: If a task has no entry in the table.
    """
    classes = {**metainfo, 'palette': palette_of(metainfo)}
    tasks = {task: TASK_FILES[task] for task in TASKS}
    return ResultFolder(path, classes, tasks=tasks, draw=draw, formats=formats, taken=taken)
