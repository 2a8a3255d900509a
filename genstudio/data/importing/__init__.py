"""Import of files that somebody else made: found out what they are, copied, never changed, never executed."""
