"""Lets tests import the parts as the tools do: from the folder of the tools."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3] / 'tools'))
