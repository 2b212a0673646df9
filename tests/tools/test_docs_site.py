import importlib.util
import logging
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from mkdocs.commands.build import build
from mkdocs.config import load_config

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def hooks():
    spec = importlib.util.spec_from_file_location('docs_site', ROOT / 'tools/docs_site.py')
    module = importlib.util.module_from_spec(spec)
    sys.modules['docs_site'] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    """The site, built as `make docs` builds it: a broken link is an error."""
    folder = tmp_path_factory.mktemp('site')
    config = load_config(str(ROOT / 'mkdocs.yml'), site_dir=str(folder), strict=True)
    logging.getLogger('mkdocs').setLevel(logging.WARNING)
    build(config)
    return folder


def test_every_public_name_has_an_entry(hooks, site):
    for package, names in hooks.public_names():
        page = (site / f'reference/{package}.html').read_text(encoding='utf-8')
        assert all(f'id="{package}.{name}"' in page for name in names), package
        assert all(hasattr(import_module(package), name) for name in names)


def test_every_page_of_docs_is_in_the_navigation():
    sections = yaml.safe_load((ROOT / 'mkdocs.yml').read_text(encoding='utf-8'))['nav']
    pages = [page for section in sections for entry in section.values() for page in _pages(entry)]
    assert set(pages) >= {path.name for path in (ROOT / 'docs').glob('*.md')}


def _pages(entry):
    return [entry] if isinstance(entry, str) else [page for inner in entry for page in inner.values()]


def test_links_lead_to_pages_of_the_site(site):
    page = (site / 'model_zoo.html').read_text(encoding='utf-8')
    assert 'href="configs/oneformer_swin-l_coco.py"' in page
    assert (site / 'configs/oneformer_swin-l_coco.py').is_file()
    assert (site / 'demo.png').is_file()
    missing = [
        (path.name, link)
        for path in site.glob('*.html')
        if path.name != '404.html'
        for link in re.findall(r'(?:href|src)="(?!https?:|#|mailto:)([^"#?]+)', path.read_text(encoding='utf-8'))
        if not (path.parent / link).exists()
    ]
    assert not missing


def test_nothing_is_loaded_from_elsewhere(site):
    page = (site / 'index.html').read_text(encoding='utf-8')
    assert not re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="https?://[^"]+\.(?:js|css|png|woff2?)', page)
