"""The whole way on real files, in this clone: python tools/demo.py."""

from pathlib import Path

from mmoneformer.apis.demo import run_demo

if __name__ == '__main__':
    run_demo(Path(__file__).parents[1])
