"""Looks for what in a data set would stop a training, or make it worse."""
