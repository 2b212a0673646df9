import numpy as np
import pytest
from mmengine.config import Config
from mmengine.logging import HistoryBuffer

from mmoneformer.checkpoints.model_card import checkpoint_card, hub_card, measured_metrics

METAINFO = dict(classes=('sky', 'car', 'road'), thing_ids=(1,), palette=[])
SHA256 = 'ab' * 32


def config_of(**test_cfg):
    dataset = dict(type='MultiSourceDataset', sources=[dict(type='A', ann_file='/mine/a.json'), dict(type='B')])
    model = dict(backbone=dict(type='SwinTransformer'), panoptic_head=dict(num_queries=7), test_cfg=test_cfg)
    loader = dict(dataset=dataset)
    return Config(dict(model=model, train_dataloader=loader, val_dataloader=loader, train_cfg=dict(max_iters=90)))


def test_metrics_are_those_of_the_last_validation():
    def scalar(*values):
        return HistoryBuffer(np.array(values), np.ones(len(values)))

    scalars = {
        'train/loss': scalar(3.0),
        'val/PQ': scalar(10.0, 20.5),
        'val/AP': scalar(np.nan),
        'val/time': scalar(1),
    }
    measured = measured_metrics({'message_hub': {'log_scalars': scalars}})
    assert measured == {'PQ': 20.5}
    assert measured_metrics({'meta': {'metrics': measured}}) == measured
    assert measured_metrics({'model': {}}) == {}


def test_card_of_a_checkpoint():
    card = checkpoint_card('mine-abababab.pth', config_of(), METAINFO, {'PQ': 20.456, 'mIoU': 70.0}, SHA256)
    lines = card.splitlines()
    assert lines[0] == '# mine-abababab.pth'
    assert '| queries | 7 |' in lines
    assert '| trained on | `a.json` (A), B |' in lines
    assert '| iterations | 90 |' in lines
    assert f'| SHA-256 | `{SHA256}` |' in lines
    assert '| PQ | 20.46 |' in lines
    assert '| mIoU | 70.00 |' in lines
    assert 'Of the last validation, on `a.json` (A), B, each task with its own token:' in lines
    assert 'Things (1): car' in lines
    assert 'Stuff (2): sky, road' in lines
    assert "inferencer = OneFormerInferencer(weights='mine-abababab.pth')" in lines
    assert '/mine/' not in card


def test_other_tokens_are_stated():
    card = checkpoint_card('x', config_of(tokens=dict(panoptic='semantic')), METAINFO, {'PQ': 1.0}, SHA256)
    assert "but the panoptic task with the token 'semantic':" in card


@pytest.mark.parametrize('cfg', [config_of(), Config(dict(model=config_of().model))])
def test_card_of_the_hub(cfg):
    card = hub_card('mine', cfg, METAINFO, {})
    assert card.startswith('---\nlibrary_name: transformers\n')
    assert "OneFormerProcessor.from_pretrained('mine', repo_path='mine')" in card
    assert 'None is stored in the checkpoint' in card
    assert 'SHA-256' not in card
