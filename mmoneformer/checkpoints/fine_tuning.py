"""Makes weights fit a model of other classes or another number of queries: what has no match keeps the model's own."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

CLASS_ROWS = ('panoptic_head.prediction.classify.weight', 'panoptic_head.prediction.classify.bias')
QUERIES = 'panoptic_head.query_embed'
CONTEXT = 'panoptic_head.text_mapper.context'


def fit_classes(
    weights: Mapping[str, Tensor], stored: Sequence[str], own: Mapping[str, Tensor], classes: Sequence[str]
) -> tuple[dict[str, Tensor], str]:
    """Give each class of the model the rows of the class of the same name, and "no object" its own.

    Args:
        weights: State dict of a OneFormer with the classes ``stored``.
        stored: Class names that the rows of the weights stand for.
        own: State dict of the model, from which rows of new classes are taken.
        classes: Class names of the model.

    Returns:
        The class rows that fit the model, and a sentence that lists the classes.
    """
    row_of = {name.strip(): row for row, name in enumerate(stored)}
    matches = [(row_of[name.strip()], index) for index, name in enumerate(classes) if name.strip() in row_of]
    sources, targets = zip(*matches, (len(stored), len(classes)), strict=True)  # the last row is "no object"
    fitted = {}
    for key in CLASS_ROWS:
        fitted[key] = own[key].to(weights[key]).clone()
        fitted[key][list(targets)] = weights[key][list(sources)]
    names = {name.strip() for name in classes}
    groups = {
        'kept': [classes[index] for index in targets[:-1]],
        'new': [name for name in classes if name.strip() not in row_of],
        'left out': [name for name in stored if name.strip() not in names],
    }
    counted = [f'{len(group)} {what} {tuple(group)}' for what, group in groups.items()]
    return fitted, f'classes: {"; ".join(counted)}'


def fit_queries(weights: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Cut what is for more queries or texts than the model has, or complete it from the model's own.

    The last query, which is that of the task token, stays the last.

    Args:
        weights: State dict of a OneFormer.
        own: State dict of the model.

    Returns:
        What had to be changed, and a sentence on each.
    """
    fitted, sentences = {}, []
    for key, last, name in ((QUERIES, 1, 'queries'), (CONTEXT, 0, 'context vectors')):
        if key not in weights or key not in own or len(weights[key]) == len(own[key]):
            continue
        before, count = weights[key], len(own[key]) - last
        first, final = before[: len(before) - last], before[len(before) - last :]
        new = own[key][len(first) : count].to(before)
        fitted[key] = torch.cat((first[:count], new, final))
        left = max(len(first) - count, 0)
        sentences.append(f'{name}: {len(before) - left} kept; {len(new)} new; {left} left out')
    return fitted, sentences
