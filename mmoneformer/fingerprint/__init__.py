"""What tells a model from another: its weights, architecture, classes, and what it answers to a fixed image."""
