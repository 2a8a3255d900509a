"""Measures of how good a model is, free of any family."""
