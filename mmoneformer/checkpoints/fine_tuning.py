"""Adapts weights to a model with other classes or another number of queries."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

CLASS_ROWS = ('panoptic_head.prediction.classify.weight', 'panoptic_head.prediction.classify.bias')
QUERIES = 'panoptic_head.query_embed'
CONTEXT = 'panoptic_head.text_mapper.context'


def fit_classes(
    weights: Mapping[str, Tensor], stored: Sequence[str], own: Mapping[str, Tensor], classes: Sequence[str]
) -> tuple[dict[str, Tensor], str]:
    """Reorder the rows of the classifier by class names; new classes keep the initial values of the model.

    Args:
        weights: State dict of a OneFormer with the classes ``stored``.
        stored: Class names of the rows of the weights.
        own: State dict of the model.
        classes: Class names of the model.

    Returns:
        The adapted tensors, and a summary of the classes that are kept, new and dropped.
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
        'dropped': [name for name in stored if name.strip() not in names],
    }
    counted = [f'{len(group)} {what} {tuple(group)}' for what, group in groups.items()]
    return fitted, f'classes: {"; ".join(counted)}'


def fit_queries(weights: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Truncate queries and context vectors to the number that the model has, or append initial values of the model.

    The last query, which is that of the task token, stays the last.

    Args:
        weights: State dict of a OneFormer.
        own: State dict of the model.

    Returns:
        The adapted tensors, and a summary of each.
    """
    fitted, summaries = {}, []
    for key, last, name in ((QUERIES, 1, 'queries'), (CONTEXT, 0, 'context vectors')):
        if key not in weights or key not in own or len(weights[key]) == len(own[key]):
            continue
        before, count = weights[key], len(own[key]) - last
        first, final = before[: len(before) - last], before[len(before) - last :]
        new = own[key][len(first) : count].to(before)
        fitted[key] = torch.cat((first[:count], new, final))
        dropped = max(len(first) - count, 0)
        summaries.append(f'{name}: {len(before) - dropped} kept; {len(new)} new; {dropped} dropped')
    return fitted, summaries
