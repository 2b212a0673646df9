"""Compare training with each annotation type, and fine-tuning with training from scratch, on synthetic data sets."""

import ast
import json
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmoneformer.apis.train_and_test import evaluate, load_config, train
from mmoneformer.datasets.shapes.classes import CLASSES
from mmoneformer.datasets.shapes.folder import write_shapes
from mmoneformer_cli.running import print_any_text

CONFIGS = Path(__file__).parents[1] / 'configs'
TEMPLATE = CONFIGS / 'oneformer_swin-t_custom.py'
MODEL = CONFIGS / 'oneformer_tiny_shapes.py'
FIGURES = ('PQ', 'AP', 'mIoU')
DATA_SETS = {'shapes': ('shapes', 0), 'more': ('shapes', 1), 'signs': ('signs', 0)}  # folder: classes, seed


@dataclass(frozen=True)
class Run:
    """A training run.

    Attributes:
        sources: Folder and annotation type of each source.
        start: Checkpoint to fine-tune; None trains from scratch.
        share: Fraction of the common number of steps.
    """

    sources: Sequence[tuple[str, str]]
    start: Path | None = None
    share: float = 1.0

    @property
    def folder(self) -> str:
        """The data set on which the run is evaluated."""
        return self.sources[0][0]


def runs(start: Path | None) -> dict[str, Run]:
    """The runs by name; fine-tuning is included if there is a checkpoint to start from."""
    compared = {
        'panoptic': Run([('shapes', 'panoptic')]),
        'instance': Run([('shapes', 'instance')]),
        'semantic': Run([('shapes', 'semantic')]),
        'mixed': Run([('shapes', 'instance'), ('more', 'semantic')]),
        'signs': Run([('signs', 'panoptic')]),
    }
    if start:
        compared['signs_fine-tuned'] = Run([('signs', 'panoptic')], start, share=0.25)
    return compared


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    print_any_text()
    parser = ArgumentParser(description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument(
        '--only', nargs='*', metavar='NAME', help='runs to perform, None for all; an unknown name lists them'
    )
    parser.add_argument('--steps', type=int, default=1100, help='training steps per run; fine-tuning uses a quarter')
    parser.add_argument('--start', type=Path, help='checkpoint to fine-tune, such as that of make demo')
    parser.add_argument('--num-train', type=int, default=1000, help='training images per data set')
    parser.add_argument('--num-val', type=int, default=100, help='validation images per data set')
    parser.add_argument('--size', type=int, default=128, help='shorter image side in pixels')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/own_data'), help='output folder')
    options = parser.parse_args(arguments)
    compared = runs(options.start)
    unknown = set(options.only or ()) - set(compared)
    if unknown:
        parser.error(f'unknown runs {sorted(unknown)}: choose from {list(compared)}')
    for folder, (classes, seed) in DATA_SETS.items():
        sizes = dict(num_train=options.num_train, num_val=options.num_val, size=options.size)
        write_shapes(options.out / 'data' / folder, seed=seed, classes=classes, **sizes)
    for name in options.only or compared:
        figures = measure(compared[name], options.out / name, options.out / 'data', options.steps)
        (options.out / name / 'figures.json').write_text(json.dumps(figures, indent=2) + '\n')
        print(name, figures)


def measure(run: Run, work_dir: Path, data: Path, steps: int) -> dict[str, float]:
    """Train, and evaluate the trained tasks on the panoptic annotation of the validation images."""
    cfg = train_and_test(run, work_dir, data, steps)
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = cfg.default_hooks.checkpoint.save_best = None
    train(cfg)
    cfg = train_and_test(Run([(run.folder, 'panoptic')]), work_dir / 'test', data, steps)
    tasks = template(run, data).tasks
    metrics = evaluate(cfg, (work_dir / 'last_checkpoint').read_text(), tasks=tasks)
    return {key: round(float(metrics[key]), 2) for key in FIGURES if key in metrics}


def train_and_test(run: Run, work_dir: Path, data: Path, steps: int) -> Config:
    """Model and schedule of the demo with the data of a run, as defined by the template."""
    own = template(run, data)
    cfg = load_config(MODEL, work_dir=str(work_dir), cfg_options={'max_iters': round(steps * run.share)})
    for loader, split in ((cfg.train_dataloader, 'train'), (cfg.val_dataloader, 'val'), (cfg.test_dataloader, 'val')):
        pipeline = loader.dataset.pipeline
        next(step for step in pipeline if step.type == 'LoadPanopticMap').type = 'LoadSegments'
        loader.dataset = own[f'{split}_dataloader'].dataset | dict(pipeline=pipeline)
        loader |= dict(num_workers=0, persistent_workers=False)
    cfg.model.metainfo = own.metainfo
    warm_up, decay = cfg.param_scheduler
    warm_up.end = decay.begin = 1 + cfg.max_iters // 20
    cfg.train_cfg.max_iters = decay.end = cfg.max_iters
    cfg.load_from = run.start and str(run.start)
    return cfg


def template(run: Run, data: Path) -> Config:
    """The template for own data, filled in for a run."""
    categories = CLASSES[DATA_SETS[run.folder][0]]
    return fill_in(
        {
            'classes': tuple(category.name for category in categories),
            'things': tuple(category.name for category in categories if category.isthing),
            'sources': [
                dict(annotation=annotation, data_root=str(data / folder)) for folder, annotation in run.sources
            ],
        }
    )


def fill_in(choices: Mapping[str, Any]) -> Config:
    """Load the template with some of its assignments replaced."""
    tree = ast.parse(TEMPLATE.read_text().replace("'_base_/", f"'{CONFIGS}/_base_/"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in choices:
            node.value = ast.parse(repr(choices[node.targets[0].id]), mode='eval').body
    return Config.fromstring(ast.unparse(tree), '.py')


if __name__ == '__main__':
    main()
