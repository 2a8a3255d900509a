"""Everything the engine can be asked for: frozen requests that run in slices. The window and the command line use the same."""
