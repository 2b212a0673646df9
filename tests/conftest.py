"""Shared by all tests."""

import mmoneformer  # noqa: F401  # before any test module imports mmdet
