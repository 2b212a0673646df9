"""Data sets, and their pipelines from files to batches.

The registries import the modules of data sets when they are looked up: prediction only needs some transforms.
"""
