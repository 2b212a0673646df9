import asyncio
import json
import threading
import time

import numpy as np
import pytest

from mmoneformer.web import model_queue
from mmoneformer.web.model_queue import BusyError, ModelQueue


def predict(queue, image, folder, name='known', tasks=('panoptic', 'semantic'), stem='photo'):
    folder.mkdir(exist_ok=True)
    return queue.predict(name, image, tasks, folder, stem)


def test_views_and_files(known_model, image, tmp_path):
    answer = asyncio.run(predict(ModelQueue({'known': known_model}), image, tmp_path / 'out'))
    assert [view.task for view in answer.views] == ['panoptic', 'semantic']
    names = ['photo.json', 'photo.png', 'photo_panoptic.png', 'photo_semantic.png']
    assert [file.name for file in answer.files] == names
    content = json.loads(answer.files[0].read_text())
    assert [segment['area'] for segment in content['panoptic']['segments_info']] == [4800, 4200]


def test_the_model_is_given_bgr(known_model, image, tmp_path):
    asyncio.run(predict(ModelQueue({'known': known_model}), image, tmp_path))
    np.testing.assert_array_equal(known_model.seen[-1], image[..., ::-1])


class SlowModel:
    """Passes requests on to another model, and counts how many are in it at the same time."""

    def __init__(self, model):
        self.metainfo, self._inner = model.metainfo, model
        self.inside, self.most, self.count = 0, 0, threading.Lock()

    def stream(self, images, *, tasks):
        with self.count:
            self.inside += 1
            self.most = max(self.most, self.inside)
        time.sleep(0.05)
        yield from self._inner.stream(images, tasks=tasks)
        with self.count:
            self.inside -= 1


def test_one_at_a_time_and_in_order(known_model, image, tmp_path):
    slow = SlowModel(known_model)
    queue = ModelQueue({'known': slow})
    known_model.seen.clear()
    images = [np.full_like(image, value) for value in range(3)]

    async def all_together():
        await asyncio.gather(*(predict(queue, img, tmp_path / f'{n}') for n, img in enumerate(images)))

    asyncio.run(all_together())
    assert slow.most == 1
    assert [int(seen[0, 0, 0]) for seen in known_model.seen] == [0, 1, 2]


def test_models_do_not_wait_for_each_other(known_model, image, tmp_path):
    """The second model's request is answered while the first model is stuck."""
    stuck = threading.Event()

    class StuckModel(SlowModel):
        def stream(self, images, *, tasks):
            stuck.wait(timeout=10)
            yield from super().stream(images, tasks=tasks)

    queue = ModelQueue({'stuck': StuckModel(known_model), 'known': known_model})

    async def both():
        first = asyncio.create_task(predict(queue, image, tmp_path / 'a', name='stuck'))
        await asyncio.sleep(0)
        await predict(queue, image, tmp_path / 'b')
        answered = not first.done()
        stuck.set()
        await first
        return answered

    assert asyncio.run(both())


def test_too_many_requests_are_refused(known_model, image, tmp_path, monkeypatch):
    monkeypatch.setattr(model_queue, 'MAX_WAITING', 2)
    queue = ModelQueue({'known': SlowModel(known_model)})

    async def three():
        results = (predict(queue, image, tmp_path / f'{n}') for n in range(3))
        return await asyncio.gather(*results, return_exceptions=True)

    results = asyncio.run(three())
    assert [isinstance(result, BusyError) for result in results] == [False, False, True]
    assert '2 images are waiting for known already' in str(results[2])
    assert asyncio.run(predict(queue, image, tmp_path / 'later')).views


def test_no_task(known_model, image, tmp_path):
    with pytest.raises(ValueError, match='choose one or more'):
        asyncio.run(predict(ModelQueue({'known': known_model}), image, tmp_path, tasks=[]))
