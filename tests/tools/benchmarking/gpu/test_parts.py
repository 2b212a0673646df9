from pkgutil import resolve_name

from benchmarking.gpu.parts import STAGES


def test_makers_exist_and_names_are_unique():
    parts = [part for stage in STAGES.values() for part in stage]
    assert len({part.name for part in parts}) == len(parts)
    for part in parts:
        assert callable(resolve_name(f'benchmarking.gpu.{part.maker}'))


def test_compiled_networks_prepare_together():
    assert [name for name, stage in STAGES.items() if len(stage) > 1] == ['compiled']
