"""Exported models: one file that answers all tasks, and the check that it answers as the model does."""
