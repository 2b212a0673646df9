"""The page in a real browser: what visitors do and see."""

import json
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip('gradio', reason="the page needs gradio: pip install -e '.[web]'")

from mmoneformer.web.server import open_page

OPACITY = "document.documentElement.style.getPropertyValue('--overlay-opacity')"
PATIENCE = 30_000  # milliseconds
MAX_MB = 0.05  # 51.2 kB


@pytest.fixture(scope='module')
def url(known_model, other_model, tmp_path_factory, browser):
    folder = str(tmp_path_factory.mktemp('gradio'))
    models = {'known': known_model, 'other': other_model}
    page = open_page(models, folder=folder, host='127.0.0.1', port=None, max_mb=MAX_MB)
    yield page.local_url
    page.close()


@contextmanager
def visit(browser, url):
    """A fresh page, in which no script may fail."""
    page = browser.new_page(viewport={'width': 1400, 'height': 1000})
    page.set_default_timeout(PATIENCE)
    page.asked, faults = [], []
    page.on('request', lambda request: page.asked.append(request.url))
    page.on('pageerror', lambda error: faults.append(str(error)))
    page.goto(url)
    yield page
    assert faults == []
    page.close()


@pytest.fixture
def page(browser, url):
    with visit(browser, url) as page:
        yield page


@pytest.fixture(scope='module')
def photo(image, tmp_path_factory):
    path = tmp_path_factory.mktemp('photo') / 'photo.png'
    Image.fromarray(image).save(path)
    return path


@pytest.fixture(scope='module')
def predicted(browser, url, photo):
    """A page with results, for tests that look."""
    with visit(browser, url) as page:
        predict(page, photo)
        yield page


@pytest.fixture
def results(predicted):
    predicted.mouse.move(5, 5)  # away from what the last test pointed at
    return predicted


def upload(page, file):
    page.set_input_files('#image input[type=file]', file)
    page.wait_for_selector('#image img')


def predict(page, file):
    upload(page, file)
    page.click('#predict')
    page.wait_for_selector('.card .filled')
    page.wait_for_function("!document.querySelector('#cards .pending') && document.getAnimations().length === 0")


def tasks_shown(page):
    return page.eval_on_selector_all('.card', 'cards => cards.map((card) => card.dataset.task)')


def color_at(page, task, column, row):
    """Mean color around a point of a task's drawing on the screen; column and row are 0 to 1."""
    box = page.locator(f'.card[data-task={task}] .drawing').bounding_box()
    clip = {'x': box['x'] + column * box['width'], 'y': box['y'] + row * box['height'], 'width': 4, 'height': 4}
    return np.asarray(Image.open(BytesIO(page.screenshot(clip=clip))).convert('RGB')).mean(axis=(0, 1))


def download(page, name):
    with page.expect_download() as started:
        page.click(f'#downloads a[download="{name}"]')
    return started.value.path()


def test_a_card_for_each_task(results):
    assert tasks_shown(results) == ['panoptic', 'instance', 'semantic']


def test_opacity(results, image, metainfo):
    sky, red = np.array(metainfo['palette'][0]), image[0, 0]
    for percent in (100, 0, 55):
        results.fill('#opacity input[type=number]', str(percent))
        results.keyboard.press('Enter')
        results.wait_for_function(f'{OPACITY} == {percent / 100}')
        blended = percent / 100 * sky + (1 - percent / 100) * red
        np.testing.assert_allclose(color_at(results, 'panoptic', 0.1, 0.1), blended, atol=6)


def test_pointing_tells_class_and_score(results):
    card = results.locator('.card[data-task=panoptic]')
    drawing, note = card.locator('.drawing'), card.locator('output')
    box = drawing.bounding_box()
    drawing.hover(position={'x': 0.75 * box['width'], 'y': 0.3 * box['height']})
    assert note.inner_text() == 'cat, score 0.90, 43.8% of the image'
    assert card.locator('tr.highlighted').inner_text().split() == ['cat', '0.90', '43.8%']
    drawing.hover(position={'x': 0.9 * box['width'], 'y': 0.9 * box['height']})  # void
    assert not note.is_visible()


def test_pointing_at_a_row_dims_the_rest(results):
    before = [color_at(results, 'semantic', column, 0.1) for column in (0.1, 0.9)]
    results.hover('.card[data-task=semantic] tr:has-text("sky")')
    sky, cat = (color_at(results, 'semantic', column, 0.1) for column in (0.1, 0.9))
    np.testing.assert_allclose(sky, before[0], atol=2)
    np.testing.assert_allclose(cat, before[1] * (1 - 130 / 255), atol=3)


def test_downloads(results):
    content = json.loads(Path(download(results, 'photo.json')).read_text())
    assert [segment['area'] for segment in content['panoptic']['segments_info']] == [4800, 4200]
    labels = np.asarray(Image.open(download(results, 'photo_semantic.png')))
    assert np.unique(labels).tolist() == [0, 1, 2]


def test_nothing_leaves_the_machine(results, url):
    assert [asked for asked in results.asked if not asked.startswith((url, 'data:', 'blob:'))] == []


def test_the_chosen_model_and_tasks(page, photo, other_model):
    page.uncheck('#tasks >> text=Instance')
    page.uncheck('#tasks >> text=Panoptic')
    page.click('#model input')
    page.get_by_role('option', name='other').click()
    predict(page, photo)
    assert tasks_shown(page) == ['semantic']
    assert len(other_model.seen) == 1


def test_uploads_that_are_refused_say_why(page, tmp_path):
    page.click('#predict')
    page.wait_for_selector('.toast-body:has-text("Upload an image first")')
    page.click('.toast-close')
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / 'large.png')  # 120 kB
    page.set_input_files('#image input[type=file]', tmp_path / 'large.png')
    page.wait_for_selector('.toast-body:has-text("exceed the maximum allowed size of 51.2 Kb")')
    page.click('.toast-close')
    (tmp_path / 'bad.png').write_text('not an image')
    upload(page, tmp_path / 'bad.png')
    page.click('#predict')
    page.wait_for_selector('.toast-body:has-text("This file is not an image")')  # while another one closes
