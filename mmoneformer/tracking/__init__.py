"""Ids that stay throughout a film, for models that were trained on images (MinVIS, arXiv 2208.02245)."""

from mmoneformer.tracking.film_tracker import FilmTracker

__all__ = ['FilmTracker']
