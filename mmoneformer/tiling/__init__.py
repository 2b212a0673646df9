"""Prediction of large pictures tile by tile, and the union of the results of their tiles."""
