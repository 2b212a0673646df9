"""Predictions as plain values and as files."""
