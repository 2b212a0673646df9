"""Masks at the size of the original image, of which only what is needed is computed: bounds come first."""
