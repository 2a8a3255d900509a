"""Datasets and tokenizers. Needs numpy only; knows nothing of models."""
