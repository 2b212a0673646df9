"""Reads, checks and renames the weights of checkpoints."""
