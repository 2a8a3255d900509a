"""The Runs room: every run there is, and what several of them have in common."""
