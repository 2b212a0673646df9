from mmengine.config import Config

from mmoneformer.doctor.model_room import ModelRoom, room_of


def test_as_the_config_says(config):
    assert room_of(config.model) == ModelRoom(num_queries=30, num_context=6)
    assert room_of(config.model).num_texts == 24


def test_as_the_paper_where_the_config_does_not_say():
    cfg = Config.fromfile('configs/oneformer_swin-l_ade20k.py')
    assert room_of(cfg.model) == ModelRoom(num_queries=250, num_context=16)


def test_without_text_mapper(config):
    config.model.panoptic_head.text_mapper = None
    assert room_of(config.model).num_queries == 30
