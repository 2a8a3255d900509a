"""Training a model and watching it: one panel and one tab for all families."""
