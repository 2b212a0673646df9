"""Rasters of earth observation: GeoTIFF files that are read window by window, and results in their coordinates."""
