"""Losses of the set prediction and of the query-text pairs."""
