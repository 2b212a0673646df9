"""Operators with a form of their own for some devices; the only modules that know devices."""
