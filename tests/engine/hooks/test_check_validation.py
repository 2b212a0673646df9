"""A validation of one image before the training, by metrics whose results are known."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import CheckpointHook, EarlyStoppingHook
from torch import nn

from mmoneformer.engine.hooks import CheckValidationHook
from mmoneformer.evaluation.task_metric import TaskMetric


class Value(TaskMetric):
    """Measures what the model predicts."""

    task = 'semantic'

    def process_image(self, sample):
        self.results.append(sample['value'])

    def compute(self, results):
        return {'value': sum(results)}


class Writer(Value):
    needs_ground_truth = False

    def process_image(self, sample):
        raise AssertionError('writes a file')


class Foreign(BaseMetric):
    """Its names depend on what is found."""

    def process(self, data_batch, data_samples):
        self.results.append(None)

    def compute_metrics(self, results):
        raise AssertionError('is not computed')


class Model(nn.Module):
    def val_step(self, batch):
        assert not self.training
        assert not torch.is_grad_enabled()
        return [dict(sample, value=3, task_tokens={'semantic': 'semantic'}) for sample in batch]


def runner_of(*metrics, hooks=(), dataset=({'img_id': 1},), **settings):
    loader = SimpleNamespace(dataset=dataset, collate_fn=list)
    loop = dict(iter=0, max_iters=9, max_epochs=1, val_begin=1) | settings
    return SimpleNamespace(
        model=Model(),
        hooks=hooks,
        train_loop=SimpleNamespace(**loop),
        val_loop=SimpleNamespace(dataloader=loader, evaluator=SimpleNamespace(metrics=metrics)),
    )


def best(name, **settings):
    return CheckpointHook(save_best=name, rule='greater', **settings)


def test_a_name_that_is_measured():
    metrics = Value(), Writer(), Value(prefix='x')
    hooks = [best('value'), best(['x/value', 'value']), EarlyStoppingHook(monitor='value', rule='greater')]
    CheckValidationHook().before_train(runner_of(*metrics, hooks=[*hooks, CheckpointHook()]))
    assert [metric.results for metric in metrics] == [[], [], []]


@pytest.mark.parametrize(
    ('hook', 'said'),
    [
        (best('PQ'), r"save_best of the checkpoint hook is 'PQ', which .* one of \['value'\]"),
        (best(['value', 'PQ']), "is 'PQ'"),
        (EarlyStoppingHook(monitor='PQ', rule='greater'), "monitor of EarlyStoppingHook is 'PQ'"),
    ],
)
def test_a_name_that_nothing_measures(hook, said):
    with pytest.raises(ValueError, match=said):
        CheckValidationHook().before_train(runner_of(Value(), hooks=[hook]))


@pytest.mark.parametrize(
    ('metrics', 'sample'),
    [([Value(), Foreign()], {}), ([Value()], {'tasks': ('instance',)})],
    ids=['foreign', 'skipped'],
)
def test_names_that_are_not_known_are_not_checked(metrics, sample):
    CheckValidationHook().before_train(runner_of(*metrics, hooks=[best('PQ')], dataset=[sample]))
    assert not any(metric.results for metric in metrics)


@pytest.mark.parametrize('settings', [dict(val_begin=10), dict(iter=9)])
def test_a_training_without_validation(settings):
    CheckValidationHook().before_train(runner_of(Value(), hooks=[best('PQ')], **settings))
    runner = runner_of()
    runner.val_loop = None
    CheckValidationHook().before_train(runner)


def test_what_a_metric_refuses(monkeypatch):
    monkeypatch.setattr(Model, 'val_step', lambda self, batch: [{'img_id': 1, 'value': 3}])
    with pytest.raises(ValueError, match="Add 'semantic' to model.test_cfg.tasks"):
        CheckValidationHook().before_train(runner_of(Value()))


def test_labels_of_metrics_of_mmdet():
    """In their json, categories are numbered by themselves."""

    class Json:
        cats = {4: {'name': 'cat'}, 7: {'name': 'car'}}

        def get_cat_ids(self, cat_names):
            return [number for number, category in self.cats.items() if category['name'] in cat_names]

    metric = Foreign()
    metric._coco_api = Json()
    metric.dataset_meta = {'classes': ('grass', 'cat', 'car')}
    hook, runner = CheckValidationHook(), runner_of(metric)
    runner.test_loop = runner.val_loop
    for check in (hook.before_train, hook.before_val, hook.before_test):
        with pytest.raises(
            ValueError, match=r"mmdet\.Foreign takes label 0 for the category 'cat' of its ann_file, but"
        ):
            check(runner)
    metric.dataset_meta = {'classes': ('cat', 'car', 'grass')}
    hook.before_test(runner)
    hook.before_val(runner_of(Value()))
