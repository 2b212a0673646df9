"""The parts of ``tools/benchmark_gpu.py``."""
