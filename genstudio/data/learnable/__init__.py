"""What learners read: datasets, split and in the form of a model's input."""
