"""Things to look at, of one step of a training or of one answer: numpy arrays that nobody can write to, and strings."""
