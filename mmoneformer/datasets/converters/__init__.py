"""Converters from the downloads of the benchmark data sets to COCO-panoptic annotations, one module per data set."""
