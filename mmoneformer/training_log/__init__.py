"""Reads and draws what trainings have logged."""
