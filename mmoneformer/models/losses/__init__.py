"""Losses of the predicted classes and masks, and between queries and texts."""
