"""Blocks that two families share: flat arguments, no Config."""
