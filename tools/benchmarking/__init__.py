"""The parts of ``tools/benchmark.py``."""

import mmoneformer  # noqa: F401  # before a part imports mmdet
