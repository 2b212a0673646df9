"""OneFormer (arXiv 2211.06220) for OpenMMLab: one model, three segmentation tasks."""

from mmoneformer import dependencies, mmcv_ops

dependencies.check_dependencies()  # before anything imports them and fails with less to say
mmcv_ops.stand_in_where_missing()  # before anything imports mmdet, which imports every operator of mmcv

from mmoneformer import registry  # noqa: E402
from mmoneformer.checkpoints.safe_load import allow_mmengine_globals  # noqa: E402
from mmoneformer.mmengine_names import register_names  # noqa: E402
from mmoneformer.version import __version__  # noqa: E402

allow_mmengine_globals()  # torch reads weights-only since 2.6, and mmengine's own checkpoints hold its histories
register_names()

__all__ = ['__version__', 'registry']
