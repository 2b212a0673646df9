from mmengine.config import Config

from mmoneformer.data_check.model_capacity import ModelCapacity, model_capacity


def test_as_the_config_says(config):
    assert model_capacity(config.model) == ModelCapacity(num_queries=30, num_context=6)
    assert model_capacity(config.model).num_texts == 24


def test_as_the_paper_where_the_config_does_not_say():
    cfg = Config.fromfile('configs/oneformer_swin-l_ade20k.py')
    assert model_capacity(cfg.model) == ModelCapacity(num_queries=250, num_context=16)


def test_without_text_mapper(config):
    config.model.panoptic_head.text_mapper = None
    assert model_capacity(config.model).num_queries == 30
