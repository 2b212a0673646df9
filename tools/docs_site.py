"""Hooks of mkdocs: pages from outside of docs/, links to them, and the reference of all public names.

`make docs` builds the site in work_dirs/site.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ('mmoneformer', 'mmoneformer_deploy')
PAGES = {'README.md': 'index.md'} | {
    name: name for name in ('CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'projects.md')
}
LINK = re.compile(r'(!?)\[([^\]]*)\]\(([^)\s]+)\)')


def public_names() -> Iterator[tuple[str, list[str]]]:
    """Yield the packages with an ``__all__``, and the names in it that are ours, without importing them."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob('__init__.py')):
            tree = ast.parse(path.read_text(encoding='utf-8'))
            others = {
                alias.name
                for node in tree.body
                if isinstance(node, ast.ImportFrom) and str(node.module).split('.')[0] not in PACKAGES
                for alias in node.names
            }
            for node in tree.body:
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == '__all__':
                    names = set(ast.literal_eval(node.value)) - others
                    yield '.'.join(path.parent.relative_to(ROOT).parts), sorted(names)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the reference to the navigation."""
    assert config.nav is not None
    config.nav.append({'Reference': [{package: f'reference/{package}.md'} for package, _ in public_names()]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the project's root, the configs, and a page of reference for each package."""
    for name, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / name).read_text(encoding='utf-8')))
    for path in sorted((ROOT / 'configs').rglob('*.py')):
        files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    for package, names in public_names():
        entries = '\n\n'.join(f'::: {package}.{name}' for name in names)
        files.append(File.generated(config, f'reference/{package}.md', content=f'# {package}\n\n{entries}\n'))
    return files


def on_page_markdown(markdown: str, *, page: Page, files: Files, **_: Any) -> str:
    """Let links to files of the repository lead to those of the site; what the site lacks is not linked."""

    def replace(found: re.Match[str]) -> str:
        mark, text, target = found.groups()
        if '://' in target or target.startswith('#'):
            return found[0]
        path, hash_sign, anchor = target.partition('#')
        name = PAGES.get(
            path.removeprefix('../').removeprefix('docs/'), path.removeprefix('../').removeprefix('docs/')
        )
        return f'{mark}[{text}]({name}{hash_sign}{anchor})' if files.get_file_from_path(name) else text

    return markdown if page.file.src_uri.startswith('reference/') else LINK.sub(replace, markdown)
