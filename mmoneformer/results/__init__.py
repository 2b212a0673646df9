"""Results of a model as dicts and as files."""
