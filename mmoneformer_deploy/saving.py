"""Saves the results of many images: which of them are left to predict, and who writes them when."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from mmoneformer_deploy.failures import Failure, skipping
from mmoneformer_deploy.image_files import Written
from mmoneformer_deploy.image_sources import Source, name_of, place_of
from mmoneformer_deploy.in_order import in_order
from mmoneformer_deploy.result_dicts import ResultDict
from mmoneformer_deploy.result_folder import ResultFolder, about_image
from mmoneformer_deploy.share import Share
from mmoneformer_deploy.workers import Copies, naming_the_loss, start_workers


class Predicted(Protocol):
    """A prediction of an image."""

    @property
    def number(self) -> int:
        """Index of the image among the sources."""

    @property
    def source(self) -> Source:
        """The source."""


class Output(NamedTuple):
    """What is written of a prediction.

    Attributes:
        results: Results by task, see ``result_dicts``.
        image: The image that is drawn, RGB, uint8 [H', W', 3].
        size: Height and width of the results.
        kept: What is yielded when they are written.
    """

    results: ResultDict
    image: np.ndarray
    size: tuple[int, int]
    kept: Any = None


Prediction = TypeVar('Prediction', bound=Predicted)
Job = tuple[tuple[int, Source, Any], 'Future[Written]']  # index, source, what is yielded


class Saving:
    """Saves predictions in a folder, in the order of the images.

    It is a context manager: on exit, also after an exception, what was given to other processes is finished, and the
    COCO files of the folder are completed. After an exception, processes that predict begin no further image.

    Args:
        folder: The folder.
        tasks: The tasks that are predicted.
        num_workers: Number of processes that draw and write; 0 for none.
        start: Starts them, and may start others than ``start_workers`` does.
        resume: Whether images are left out whose files are complete; they stay in the COCO files.
        roots: Folders whose subfolders are kept in the names of the files.
        share: The share of this process in the images; the first process completes the COCO files of all. None if
            it has all images.

    Raises:
        ValueError: If it is to resume, or to join the COCO files of several processes, without json files.
    """

    def __init__(
        self,
        folder: ResultFolder,
        *,
        tasks: Sequence[str],
        num_workers: int = 0,
        start: Callable[[int], Executor] = start_workers,
        resume: bool = False,
        roots: Sequence[Path] = (),
        share: Share | None = None,
    ) -> None:
        if 'json' not in folder.files.formats and (resume or (share is not None and 'coco' in folder.files.formats)):
            why = 'to resume' if resume else 'for the COCO files of several processes'
            raise ValueError(f'{why}, json files are read that the formats {folder.files.formats} lack: add json')
        self._folder = folder
        self._tasks = tasks
        self._resume = resume
        self._roots = roots
        self._share = share
        self._done: list[tuple[int, str]] = []  # of this process, if it has a share
        self._ahead = 2 * num_workers
        self._pool = start(num_workers)
        self._names: dict[int, str] = {}  # of images that are not written yet
        self._kept: deque[tuple[int, ResultDict]] = deque()
        self._waiting: deque[tuple[int, Future[Written]]] = deque()

    def __enter__(self) -> 'Saving':
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is not None and isinstance(self._pool, Copies):
            self._pool.stop()
        try:
            while self._waiting:
                with suppress(Exception):  # another one is on its way
                    self._finish()
            self._add_kept()
            if self._share is not None and error[0] is None:
                self._join(self._share)
        finally:
            self._pool.shutdown()
            self._folder.__exit__(*error)

    def part(self, sources: Iterable[Source]) -> Iterable[tuple[int, Source]]:
        """The images of this process, with their indices; the processes name all images before one of them writes.

        Raises:
            TypeError: If images that are shared come from an iterator.
        """
        if self._share is None:
            return enumerate(sources)
        if not isinstance(sources, Sequence):
            raise TypeError('images that several processes share must be known before: give a list, not an iterator')
        for number, source in enumerate(sources):
            self._names[number] = self._claim(number, source)
        self._share.gather(None)
        return self._share.part(enumerate(sources))

    def left(self, numbered: Iterable[tuple[int, Source]]) -> Iterator[tuple[int, Source]]:
        """Name images, and yield those that are not complete, all with their indices."""
        for number, source in numbered:
            name = self._names.get(number) or self._claim(number, source)
            content = self._folder.finished(name, name_of(source, number), self._tasks) if self._resume else None
            if content is None:
                self._names[number] = name
                yield number, source
            else:
                self._names.pop(number, None)
                self._kept.append((number, content))
                if not self._names and not self._waiting:
                    self._add_kept()

    def write(
        self,
        predictions: Iterable[Prediction],
        output: Callable[[Prediction], Output],
        failures: list[Failure] | None,
    ) -> Iterator[Any]:
        """Write predictions of images that were left; none is kept longer than it takes to write it.

        Args:
            predictions: The predictions, in the order of the images.
            output: What is written of each.
            failures: As in ``skipping``.

        Yields:
            What is kept of each prediction that was written.
        """
        give_out = partial(self._give_out, output=output, failures=failures)
        jobs = filter(None, map(give_out, predictions))  # unlike a loop, this lets go of what was given out
        yield from self._finished(jobs, failures)

    def predict_and_write(
        self,
        numbered: Iterable[tuple[int, Source]],
        work: Callable[[int, Source, str], Written],
        failures: list[Failure] | None,
    ) -> Iterator[None]:
        """Have the processes of the pool predict images that were left, and write the results.

        Args:
            numbered: The images, each with its index.
            work: Predicts and writes an image, given its index and the name of its files.
            failures: As in ``skipping``.

        Yields:
            None for each image that was written.
        """

        def give_out(item: tuple[int, Source]) -> Job:
            number, source = item
            with naming_the_loss():
                future = self._pool.submit(work, number, source, self._name(number))
            self._waiting.append((number, future))
            return (number, source, None), future

        yield from self._finished(map(give_out, numbered), failures)

    def _finished(self, jobs: Iterable[Job], failures: list[Failure] | None) -> Iterator[Any]:
        """Finish jobs in order; yields what is kept of each image that was written."""
        for (number, source, kept), _ in in_order(jobs, self._ahead):
            is_written = False
            with skipping(failures, number, source):
                self._finish()
                is_written = True
            if is_written:
                yield kept

    def _give_out(
        self, prediction: Prediction, output: Callable[[Prediction], Output], failures: list[Failure] | None
    ) -> Job | None:
        """Give a prediction to who writes it; None if it cannot be converted."""
        with skipping(failures, prediction.number, prediction.source):
            results, image, size, kept = output(prediction)
            name = self._name(prediction.number)
            about = about_image(name_of(prediction.source, prediction.number), size)
            with naming_the_loss():
                future = self._pool.submit(self._folder.files.write, name, results, image, about)
            self._waiting.append((prediction.number, future))
            return (prediction.number, prediction.source, kept), future
        return None

    def _claim(self, number: int, source: Source) -> str:
        return self._folder.claim(*place_of(source, number, self._roots))

    def _name(self, number: int) -> str:
        """The name of an image; those of the images before it, which failed, are not needed any more."""
        while (first := next(iter(self._names))) != number:
            del self._names[first]
        return self._names.pop(number)

    def _finish(self) -> None:
        """Wait for the first image that was given out, and add it to the COCO files."""
        number, future = self._waiting[0]
        wait([future])  # if this is interrupted, it stays the first
        self._waiting.popleft()
        self._add_kept(before=number)
        with naming_the_loss():
            self._add(number, future.result().content)

    def _add_kept(self, before: float = float('inf')) -> None:
        while self._kept and self._kept[0][0] < before:
            self._add(*self._kept.popleft())

    def _add(self, number: int, content: ResultDict) -> None:
        if self._share is None:
            self._folder.add(content)
        else:
            self._done.append((number, content['name']))

    def _join(self, share: Share) -> None:
        """Add the images of all processes to the COCO files, in their order."""
        everything = share.gather(self._done)
        if share.rank == 0 and 'coco' in self._folder.files.formats:
            for _, name in sorted(done for part in everything for done in part):
                self._folder.add(self._folder.files.read(name))
        share.gather(None)  # nobody is done before the files are
