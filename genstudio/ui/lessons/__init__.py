"""Lessons that drive the real window, step by step; their texts are files that anybody can write."""
